[
  (chunk)
  (function_declaration)
  (function_definition)
  (for_statement)
  (do_statement)
  (if_statement)
  (while_statement)
] @scope

(function_declaration name: (identifier) @definition.function) @item
(parameters name: (identifier) @definition.parameter)
(variable_declaration (assignment_statement (variable_list name: (identifier) @definition.variable)))
(for_generic_clause (variable_list name: (identifier) @definition.variable))

(identifier) @reference

(dot_index_expression field: (identifier) @qualified)
(method_index_expression method: (identifier) @qualified)
(field name: (identifier) @qualified)
