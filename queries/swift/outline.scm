(class_declaration name: (_) @name) @definition.class
(protocol_declaration name: (_) @name) @definition.interface
(function_declaration name: (_) @name) @definition.function
(protocol_function_declaration name: (_) @name) @definition.method
(typealias_declaration name: (_) @name) @definition.type
(enum_entry name: (_) @name) @definition.variant
(property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.variable
(class_body (function_declaration name: (_) @name) @definition.method)
(class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.field)
