[
  (program)
  (function_definition)
  (subshell)
] @scope

(function_definition name: (word) @definition.function) @item
(variable_assignment name: (variable_name) @definition.variable)
(for_statement variable: (variable_name) @definition.variable)

(variable_name) @reference
(command_name (word) @reference)
