; Units
[
  (module)
  (block)
] @units

; Where an error has eaten the list around them, these are units still.
[
  (assert_statement)
  (break_statement)
  (continue_statement)
  (delete_statement)
  (expression_statement)
  (future_import_statement)
  (global_statement)
  (import_from_statement)
  (import_statement)
  (nonlocal_statement)
  (pass_statement)
  (raise_statement)
  (return_statement)
  (type_alias_statement)
  (decorated_definition)
  (for_statement)
  (if_statement)
  (match_statement)
  (case_clause)
  (try_statement)
  (while_statement)
  (with_statement)
] @unit

[
  (class_definition)
  (function_definition)
] @unit

; A decorated definition is one unit with its decorators.
(decorated_definition definition: (_) @part)

; Lexical
(comment) @comment

(string) @string

(interpolation) @embedded
