[
  (program)
  (class_declaration)
  (record_declaration)
  (interface_declaration)
  (enum_declaration)
  (annotation_type_declaration)
  (method_declaration)
  (constructor_declaration)
  (lambda_expression)
  (block)
  (constructor_body)
  (for_statement)
  (enhanced_for_statement)
  (catch_clause)
  (try_with_resources_statement)
  (switch_block)
] @scope

(class_declaration name: (_) @definition.class) @item
(record_declaration name: (_) @definition.class) @item
(interface_declaration name: (_) @definition.interface) @item
(annotation_type_declaration name: (_) @definition.interface) @item
(enum_declaration name: (_) @definition.enum) @item
(enum_constant name: (_) @definition.variant)
(method_declaration name: (_) @definition.method) @item
(field_declaration declarator: (variable_declarator name: (identifier) @definition.field))
(constant_declaration declarator: (variable_declarator name: (identifier) @definition.constant))
(local_variable_declaration declarator: (variable_declarator name: (identifier) @definition.variable))
(type_parameter (type_identifier) @definition.type)

(formal_parameter name: (identifier) @definition.parameter)
(spread_parameter (variable_declarator name: (identifier) @definition.parameter))
(catch_formal_parameter name: (identifier) @definition.parameter)
(inferred_parameters (identifier) @definition.parameter)
(lambda_expression parameters: (identifier) @definition.parameter)
(enhanced_for_statement name: (identifier) @definition.variable)
(resource name: (identifier) @definition.variable)
(type_pattern (identifier) @definition.variable)
(instanceof_expression name: (identifier) @definition.variable)

(import_declaration (scoped_identifier name: (identifier) @definition.import))

[
  (identifier)
  (type_identifier)
] @reference

(scoped_identifier name: (identifier) @qualified)
(scoped_type_identifier (_) (type_identifier) @qualified)
(field_access field: (identifier) @qualified)
(method_invocation object: (_) name: (identifier) @qualified)
(method_reference (_) (identifier) @qualified)
(constructor_declaration name: (identifier) @qualified)
(element_value_pair key: (identifier) @qualified)
(package_declaration (scoped_identifier name: (identifier) @qualified))
(package_declaration (scoped_identifier (identifier) @qualified))
(import_declaration (scoped_identifier (scoped_identifier) @qualified))
