; Units
[
  (source_file)
  (statement_list)
  (field_declaration_list)
  (interface_type)
  (import_spec_list)
  (var_spec_list)
] @units

[
  (expression_case)
  (type_case)
  (default_case)
  (communication_case)
  (const_spec)
  (type_spec)
  (type_alias)
] @unit

; Where an error has eaten the list around them, these are units still.
[
  (assignment_statement)
  (break_statement)
  (const_declaration)
  (continue_statement)
  (dec_statement)
  (defer_statement)
  (expression_statement)
  (expression_switch_statement)
  (fallthrough_statement)
  (field_declaration)
  (for_statement)
  (function_declaration)
  (go_statement)
  (goto_statement)
  (if_statement)
  (import_declaration)
  (inc_statement)
  (labeled_statement)
  (method_declaration)
  (method_elem)
  (package_clause)
  (return_statement)
  (select_statement)
  (send_statement)
  (short_var_declaration)
  (type_declaration)
  (type_switch_statement)
  (var_declaration)
] @unit

(if_statement initializer: (_) @part)
(for_clause initializer: (_) @part)
(for_clause update: (_) @part)
(expression_switch_statement initializer: (_) @part)
(type_switch_statement initializer: (_) @part)
(communication_case communication: (_) @part)

; Lexical
(comment) @comment

[
  (interpreted_string_literal)
  (raw_string_literal)
  (rune_literal)
] @string
