; Units
[
  (source_file)
  (class_body)
  (block)
] @units

; Blocks
[
  (class_body)
  (block)
  (enum_class_body)
] @block

; Lexical
[
  (line_comment)
  (block_comment)
] @comment

[
  (string_literal)
  (multiline_string_literal)
] @string

(interpolation) @embedded
