; Units
[
  (chunk)
  (block)
] @units

; Lexical
(comment) @comment

(string) @string
