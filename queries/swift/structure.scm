; Units
[
  (source_file)
  (class_body)
  (statements)
] @units

; Lexical
[
  (comment)
  (multiline_comment)
] @comment

[
  (line_string_literal)
  (multi_line_string_literal)
] @string

(interpolated_expression) @embedded
