(function_item name: (_) @name) @definition.function
(struct_item name: (_) @name) @definition.struct
(union_item name: (_) @name) @definition.union
(enum_item name: (_) @name) @definition.enum
(enum_variant name: (_) @name) @definition.variant
(field_declaration name: (_) @name) @definition.field
(trait_item name: (_) @name) @definition.trait
(impl_item type: (_) @name) @definition.implementation
(mod_item name: (_) @name) @definition.module
(type_item name: (_) @name) @definition.type
(associated_type name: (_) @name) @definition.type
(const_item name: (_) @name) @definition.constant
(static_item name: (_) @name) @definition.variable
(macro_definition name: (_) @name) @definition.macro

(foreign_mod_item body: (declaration_list (function_signature_item name: (_) @name) @definition.function))

(impl_item body: (declaration_list (function_item name: (_) @name) @definition.method))
(trait_item body: (declaration_list (function_item name: (_) @name) @definition.method))
(trait_item body: (declaration_list (function_signature_item name: (_) @name) @definition.method))
