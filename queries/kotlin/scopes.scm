[
  (source_file)
  (class_declaration)
  (object_declaration)
  (function_declaration)
  (lambda_literal)
  (block)
  (for_statement)
] @scope

(class_declaration name: (identifier) @definition.class) @item
(object_declaration name: (identifier) @definition.class) @item
(function_declaration name: (identifier) @definition.function) @item
(parameter (identifier) @definition.parameter)
(variable_declaration (identifier) @definition.variable)

(identifier) @reference

(navigation_expression (_) (identifier) @qualified)
(import (_) @qualified)
