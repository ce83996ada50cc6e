; What JavaScript, TypeScript and TSX share.

(function_declaration name: (_) @function.name body: (statement_block) @function.body) @function
(generator_function_declaration name: (_) @function.name body: (statement_block) @function.body) @function
(method_definition name: (_) @function.name body: (statement_block) @function.body) @function
(lexical_declaration . (variable_declarator name: (identifier) @function.name value: (arrow_function body: (statement_block) @function.body)) .) @function
(lexical_declaration . (variable_declarator name: (identifier) @function.name value: (function_expression body: (statement_block) @function.body)) .) @function

(class_declaration name: (_) @type.name) @type
((comment) @documentation (#match? @documentation "^/[*][*]"))

((throw_statement (new_expression constructor: (identifier) @_name arguments: (arguments . [(string) (template_string)] @_text))) @placeholder
  (#eq? @_name "Error") (#match? @_text "^.([Nn]ot (yet )?implemented|TODO|todo|[Uu]nimplemented)"))

(for_in_statement) @loop
(for_statement) @loop

((call_expression function: (member_expression property: (property_identifier) @_then) arguments: (arguments . [(arrow_function) (function_expression)])) @callback
  (#eq? @_then "then"))
((call_expression arguments: (arguments [(arrow_function parameters: (formal_parameters . (_) @_error)) (function_expression parameters: (formal_parameters . (_) @_error))] .)) @callback
  (#any-of? @_error "err" "error"))
