[
  (compilation_unit)
  (namespace_declaration)
  (class_declaration)
  (struct_declaration)
  (record_declaration)
  (interface_declaration)
  (method_declaration)
  (constructor_declaration)
  (local_function_statement)
  (lambda_expression)
  (block)
  (for_statement)
  (foreach_statement)
] @scope

(class_declaration name: (_) @definition.class) @item
(struct_declaration name: (_) @definition.struct) @item
(record_declaration name: (_) @definition.class) @item
(interface_declaration name: (_) @definition.interface) @item
(enum_declaration name: (_) @definition.enum) @item
(local_function_statement name: (_) @definition.function) @item
(parameter name: (identifier) @definition.parameter)
(variable_declarator name: (identifier) @definition.variable)
(foreach_statement left: (identifier) @definition.variable)

(identifier) @reference

(member_access_expression name: (identifier) @qualified)
(method_declaration name: (_) @qualified)
(constructor_declaration name: (_) @qualified)
(property_declaration name: (_) @qualified)
(enum_member_declaration name: (_) @qualified)
