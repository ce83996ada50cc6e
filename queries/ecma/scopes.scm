; What JavaScript, TypeScript and TSX share.

[
  (program)
  (statement_block)
  (class_declaration)
  (class)
  (function_declaration)
  (generator_function_declaration)
  (function_expression)
  (generator_function)
  (arrow_function)
  (method_definition)
  (for_statement)
  (for_in_statement)
  (catch_clause)
  (switch_body)
] @scope

(function_declaration name: (_) @definition.function) @item
(generator_function_declaration name: (_) @definition.function) @item
(class_declaration name: (_) @definition.class) @item
(function_expression name: (_) @definition.function)
(class name: (_) @definition.class)

(variable_declarator name: (identifier) @definition.variable)
(for_in_statement kind: _ left: (identifier) @definition.variable)
(arrow_function parameter: (identifier) @definition.parameter)
(catch_clause parameter: (identifier) @definition.parameter)

; Of destructuring, wherever it stands
(array_pattern (identifier) @definition.variable)
(object_pattern (shorthand_property_identifier_pattern) @definition.variable)
(object_assignment_pattern left: (shorthand_property_identifier_pattern) @definition.variable)
(pair_pattern value: (identifier) @definition.variable)
(assignment_pattern left: (identifier) @definition.variable)
(rest_pattern (identifier) @definition.variable)

(import_clause (identifier) @definition.import)
(import_specifier name: (identifier) @definition.import !alias)
(import_specifier alias: (identifier) @definition.import)
(namespace_import (identifier) @definition.import)

[
  (identifier)
  (shorthand_property_identifier)
] @reference

(import_specifier name: (identifier) @qualified alias: (_))
(export_specifier alias: (identifier) @qualified)
