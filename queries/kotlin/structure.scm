; Units
[
  (source_file)
  (class_body)
  (block)
] @units

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
