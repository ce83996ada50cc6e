; Units
[
  (compilation_unit)
  (declaration_list)
  (block)
  (enum_member_declaration_list)
] @units

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
