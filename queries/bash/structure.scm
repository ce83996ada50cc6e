; Units
[
  (program)
  (compound_statement)
  (do_group)
] @units

; Blocks
(compound_statement) @block

; Lexical
(comment) @comment

[
  (string)
  (raw_string)
  (heredoc_body)
] @string

[
  (command_substitution)
  (expansion)
] @embedded
