(class_declaration name: (_) @name) @definition.class
(object_declaration name: (_) @name) @definition.class
(function_declaration name: (_) @name) @definition.function
(property_declaration (variable_declaration (identifier) @name)) @definition.variable
(enum_entry (identifier) @name) @definition.variant
(type_alias type: (identifier) @name) @definition.type
(class_body (function_declaration name: (_) @name) @definition.method)
(class_body (property_declaration (variable_declaration (identifier) @name)) @definition.field)
(class_parameter (identifier) @name) @definition.field
