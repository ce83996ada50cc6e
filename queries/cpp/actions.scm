; inherits: c

(function_definition declarator: (reference_declarator (function_declarator declarator: (_) @function.name)) body: (compound_statement) @function.body) @function
(class_specifier name: (_) @type.name body: (_)) @type

((throw_statement (call_expression arguments: (argument_list . (string_literal) @_text))) @placeholder
  (#match? @_text "^.([Nn]ot (yet )?implemented|TODO|todo|[Uu]nimplemented)"))
