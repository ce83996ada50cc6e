; Units
[
  (program)
  (compound_statement)
  (do_group)
] @units

; Lexical
(comment) @comment

[
  (string)
  (raw_string)
] @string

(heredoc_redirect) @heredoc

[
  (command_substitution)
  (expansion)
] @embedded
