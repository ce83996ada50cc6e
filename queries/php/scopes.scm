[
  (program)
  (function_definition)
  (method_declaration)
  (class_declaration)
  (anonymous_function)
  (arrow_function)
] @scope

(function_definition name: (name) @definition.function) @item
(class_declaration name: (name) @definition.class) @item
(interface_declaration name: (name) @definition.interface) @item
(simple_parameter name: (variable_name) @definition.parameter)
(assignment_expression left: (variable_name) @definition.variable)

(variable_name) @reference
