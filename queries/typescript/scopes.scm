; inherits: ecma

[
  (abstract_class_declaration)
  (interface_declaration)
  (type_alias_declaration)
  (internal_module)
  (module)
  (function_signature)
  (method_signature)
  (function_type)
  (mapped_type_clause)
] @scope

(abstract_class_declaration name: (_) @definition.class) @item
(interface_declaration name: (_) @definition.interface) @item
(type_alias_declaration name: (_) @definition.type) @item
(enum_declaration name: (_) @definition.enum) @item
(internal_module name: (identifier) @definition.module) @item
(module name: (identifier) @definition.module) @item
(function_signature name: (_) @definition.function) @item
(import_alias . (identifier) @definition.import)
(type_parameter name: (_) @definition.type)

(required_parameter pattern: (identifier) @definition.parameter)
(optional_parameter pattern: (identifier) @definition.parameter)
(required_parameter pattern: (rest_pattern (identifier) @definition.parameter))

(type_identifier) @reference

(nested_type_identifier name: (type_identifier) @qualified)
(enum_body name: (_) @qualified)
