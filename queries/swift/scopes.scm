[
  (source_file)
  (class_declaration)
  (protocol_declaration)
  (function_declaration)
  (init_declaration)
  (lambda_literal)
  (for_statement)
  (if_statement)
] @scope

(class_declaration name: (type_identifier) @definition.class) @item
(protocol_declaration name: (type_identifier) @definition.interface) @item
(function_declaration name: (simple_identifier) @definition.function) @item
(parameter name: (simple_identifier) @definition.parameter)
(property_declaration name: (pattern bound_identifier: (simple_identifier) @definition.variable))

[
  (simple_identifier)
  (type_identifier)
] @reference

(navigation_suffix suffix: (simple_identifier) @qualified)
(value_argument_label (simple_identifier) @qualified)
