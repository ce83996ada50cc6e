; Units
[
  (source_file)
  (block)
  (declaration_list)
  (field_declaration_list)
  (enum_variant_list)
  (match_block)
] @units

; Where an error has eaten the list around them, these are units still.
[
  (let_declaration)
  (expression_statement)
  (empty_statement)
  (function_item)
  (function_signature_item)
  (struct_item)
  (enum_item)
  (union_item)
  (trait_item)
  (impl_item)
  (mod_item)
  (type_item)
  (const_item)
  (static_item)
  (use_declaration)
  (extern_crate_declaration)
  (foreign_mod_item)
  (macro_definition)
  (associated_type)
  (field_declaration)
  (enum_variant)
  (match_arm)
] @unit

[
  (attribute_item)
  (inner_attribute_item)
] @unit.prefix

; Lexical
[
  (line_comment)
  (block_comment)
] @comment

[
  (string_literal)
  (raw_string_literal)
  (char_literal)
] @string
