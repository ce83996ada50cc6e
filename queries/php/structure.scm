; Units
[
  (program)
  (compound_statement)
  (declaration_list)
] @units

; Blocks
[
  (compound_statement)
  (declaration_list)
] @block

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
