; Units
[
  (compilation_unit)
  (declaration_list)
  (block)
  (enum_member_declaration_list)
] @units

; Blocks
[
  (declaration_list)
  (block)
  (enum_member_declaration_list)
] @block

; Lexical
(comment) @comment

[
  (string_literal)
  (verbatim_string_literal)
  (raw_string_literal)
  (interpolated_string_expression)
  (character_literal)
] @string

(interpolation) @embedded
