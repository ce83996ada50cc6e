; Units
[
  (program)
  (body_statement)
  (then)
  (else)
] @units

; Lexical
(comment) @comment

[
  (string)
  (regex)
] @string

(heredoc_body) @heredoc

(interpolation) @embedded
