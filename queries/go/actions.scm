(function_declaration name: (_) @function.name body: (block) @function.body) @function
(method_declaration name: (_) @function.name body: (block) @function.body) @function

(type_declaration . (type_spec name: (_) @type.name) .) @type
(comment) @documentation

((expression_statement (call_expression function: (identifier) @_name arguments: (argument_list . (interpreted_string_literal) @_text))) @placeholder
  (#eq? @_name "panic") (#match? @_text "^.([Nn]ot (yet )?implemented|TODO|todo|[Uu]nimplemented)"))
