; inherits: ecma

; Units
[
  (interface_body)
  (object_type)
  (enum_body)
] @units

[
  (abstract_class_declaration)
  (ambient_declaration)
  (enum_declaration)
  (function_signature)
  (import_alias)
  (interface_declaration)
  (internal_module)
  (module)
  (type_alias_declaration)
  (abstract_method_signature)
  (call_signature)
  (construct_signature)
  (index_signature)
  (method_signature)
  (property_signature)
  (public_field_definition)
] @unit

; Lexical
(template_literal_type) @string

(template_type) @embedded
