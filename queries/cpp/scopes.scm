; inherits: c

[
  (namespace_definition)
  (class_specifier)
  (struct_specifier)
  (union_specifier)
  (template_declaration)
  (lambda_expression)
  (for_range_loop)
  (catch_clause)
  (declaration_list)
] @scope

(class_specifier name: (type_identifier) @definition.class body: (_)) @item
(struct_specifier name: (type_identifier) @definition.struct body: (_)) @item
(union_specifier name: (type_identifier) @definition.union body: (_)) @item
(namespace_definition name: (namespace_identifier) @definition.module) @item
(alias_declaration name: (type_identifier) @definition.type)
(concept_definition name: (identifier) @definition.type)
(type_parameter_declaration (type_identifier) @definition.type)
(function_definition
  declarator: (reference_declarator (function_declarator declarator: (identifier) @definition.function))) @item

; Members are known in their class.
(field_declaration declarator: (field_identifier) @definition.field)
(field_declaration declarator: (pointer_declarator declarator: (field_identifier) @definition.field))
(field_declaration declarator: (array_declarator declarator: (field_identifier) @definition.field))
(field_declaration declarator: (reference_declarator (field_identifier) @definition.field))
(function_declarator declarator: (field_identifier) @definition.method) @item
(function_definition declarator: (function_declarator declarator: (field_identifier) @definition.method)) @item

(optional_parameter_declaration declarator: (identifier) @definition.parameter)
(parameter_declaration declarator: (reference_declarator (identifier) @definition.parameter))
(parameter_declaration declarator: (reference_declarator (variadic_declarator (identifier) @definition.parameter)))
(for_range_loop declarator: (identifier) @definition.variable)
(for_range_loop declarator: (reference_declarator (identifier) @definition.variable))
(declaration declarator: (reference_declarator (identifier) @definition.variable))
(init_declarator declarator: (reference_declarator (identifier) @definition.variable))
(structured_binding_declarator (identifier) @definition.variable)

(namespace_identifier) @reference

(qualified_identifier name: (identifier) @qualified)
(qualified_identifier name: (type_identifier) @qualified)
(qualified_identifier scope: (_) name: (qualified_identifier scope: (namespace_identifier) @qualified))
(qualified_identifier name: (template_type name: (type_identifier) @qualified))
(qualified_identifier name: (template_function name: (identifier) @qualified))
