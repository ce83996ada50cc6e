; Units
[
  (translation_unit)
  (compound_statement)
  (declaration_list)
  (field_declaration_list)
  (enumerator_list)
] @units

; Under a directive or a case, or where an error has eaten the list around them.
[
  (attributed_statement)
  (break_statement)
  (case_statement)
  (continue_statement)
  (declaration)
  (do_statement)
  (enumerator)
  (expression_statement)
  (field_declaration)
  (for_statement)
  (function_definition)
  (goto_statement)
  (if_statement)
  (labeled_statement)
  (linkage_specification)
  (preproc_call)
  (preproc_def)
  (preproc_function_def)
  (preproc_include)
  (return_statement)
  (switch_statement)
  (type_definition)
  (while_statement)
] @unit

(for_statement initializer: (_) @part)

; Lexical
(comment) @comment

[
  (string_literal)
  (char_literal)
  (system_lib_string)
] @string
