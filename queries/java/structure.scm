; Units
[
  (program)
  (block)
  (class_body)
  (interface_body)
  (enum_body)
  (enum_body_declarations)
  (annotation_type_body)
  (constructor_body)
  (switch_block)
  (module_body)
] @units

; Under a case, or where an error has eaten the list around them.
[
  (annotation_type_declaration)
  (annotation_type_element_declaration)
  (assert_statement)
  (break_statement)
  (class_declaration)
  (compact_constructor_declaration)
  (constant_declaration)
  (constructor_declaration)
  (continue_statement)
  (do_statement)
  (enhanced_for_statement)
  (enum_constant)
  (enum_declaration)
  (explicit_constructor_invocation)
  (expression_statement)
  (field_declaration)
  (for_statement)
  (if_statement)
  (import_declaration)
  (interface_declaration)
  (labeled_statement)
  (local_variable_declaration)
  (method_declaration)
  (package_declaration)
  (record_declaration)
  (return_statement)
  (static_initializer)
  (synchronized_statement)
  (throw_statement)
  (try_statement)
  (try_with_resources_statement)
  (while_statement)
  (yield_statement)
] @unit

(for_statement init: (_) @part)

; Lexical
[
  (line_comment)
  (block_comment)
] @comment

[
  (string_literal)
  (character_literal)
] @string

(string_interpolation) @embedded
