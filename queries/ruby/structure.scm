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

(interpolation) @embedded
