; What JavaScript, TypeScript and TSX share.

; Units
[
  (program)
  (statement_block)
  (class_body)
  (switch_body)
] @units

; Where an error has eaten the list around them, these are units still.
[
  (break_statement)
  (continue_statement)
  (debugger_statement)
  (do_statement)
  (empty_statement)
  (export_statement)
  (expression_statement)
  (for_in_statement)
  (for_statement)
  (if_statement)
  (import_statement)
  (labeled_statement)
  (return_statement)
  (switch_statement)
  (switch_case)
  (switch_default)
  (throw_statement)
  (try_statement)
  (while_statement)
  (class_declaration)
  (function_declaration)
  (generator_function_declaration)
  (lexical_declaration)
  (variable_declaration)
  (method_definition)
] @unit

(for_statement initializer: (_) @part)
(for_statement condition: (_) @part)

; Lexical
[
  (comment)
  (hash_bang_line)
] @comment

[
  (string)
  (template_string)
  (regex)
] @string

(template_substitution) @embedded
