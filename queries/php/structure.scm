; Units
[
  (program)
  (compound_statement)
  (declaration_list)
] @units

; Lexical
(comment) @comment

[
  (string)
  (encapsed_string)
] @string

[
  (heredoc)
  (nowdoc)
] @heredoc
