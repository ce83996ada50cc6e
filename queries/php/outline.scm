(function_definition name: (_) @name) @definition.function
(class_declaration name: (_) @name) @definition.class
(interface_declaration name: (_) @name) @definition.interface
(trait_declaration name: (_) @name) @definition.trait
(enum_declaration name: (_) @name) @definition.enum
(enum_case name: (_) @name) @definition.variant
(method_declaration name: (_) @name) @definition.method
(property_declaration (property_element name: (_) @name)) @definition.field
(const_declaration (const_element (name) @name)) @definition.constant
((method_declaration name: (_) @name) @definition.constructor
  (#eq? @name "__construct"))
