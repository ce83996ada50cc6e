[
  (module)
  (function_definition)
  (class_definition)
  (lambda)
  (list_comprehension)
  (set_comprehension)
  (dictionary_comprehension)
  (generator_expression)
] @scope

(function_definition name: (_) @definition.function) @item
(class_definition name: (_) @definition.class) @item
(type_alias_statement left: (type (identifier) @definition.type))

(parameters (identifier) @definition.parameter)
(lambda_parameters (identifier) @definition.parameter)
(default_parameter name: (identifier) @definition.parameter)
(typed_parameter . (identifier) @definition.parameter)
(typed_default_parameter name: (identifier) @definition.parameter)
(parameters (list_splat_pattern (identifier) @definition.parameter))
(parameters (dictionary_splat_pattern (identifier) @definition.parameter))
(lambda_parameters (list_splat_pattern (identifier) @definition.parameter))
(lambda_parameters (dictionary_splat_pattern (identifier) @definition.parameter))
(typed_parameter (list_splat_pattern (identifier) @definition.parameter))
(typed_parameter (dictionary_splat_pattern (identifier) @definition.parameter))
; Known in all of the comprehension
(for_in_clause left: (identifier) @definition.parameter)
(for_in_clause left: (pattern_list (identifier) @definition.parameter))

(assignment left: (identifier) @definition.variable)
(assignment left: (pattern_list (identifier) @definition.variable))
(assignment left: (tuple_pattern (identifier) @definition.variable))
(assignment left: (list_pattern (identifier) @definition.variable))
(pattern_list (list_splat_pattern (identifier) @definition.variable))
(named_expression name: (identifier) @definition.variable)
(for_statement left: (identifier) @definition.variable)
(for_statement left: (pattern_list (identifier) @definition.variable))
(as_pattern alias: (as_pattern_target (identifier) @definition.variable))
; A lone name in a pattern is given what stands there
(case_pattern (dotted_name . (identifier) @definition.variable .))
(case_pattern (as_pattern (case_pattern) (identifier) @definition.variable))
(keyword_pattern (dotted_name . (identifier) @definition.variable .))
(splat_pattern (identifier) @definition.variable)

(import_statement name: (dotted_name . (identifier) @definition.import))
(import_from_statement name: (dotted_name (identifier) @definition.import))
(aliased_import alias: (identifier) @definition.import)

(identifier) @reference

(global_statement (identifier) @outer)
(nonlocal_statement (identifier) @outer)

; What stands in a class is known by its class alone.
(class_definition body: (block (function_definition name: (_) @qualified)))
(class_definition body: (block (decorated_definition definition: (function_definition name: (_) @qualified))))
(class_definition body: (block (expression_statement (assignment left: (identifier) @qualified))))
(attribute attribute: (identifier) @qualified)
(keyword_argument name: (identifier) @qualified)
(keyword_pattern . (identifier) @qualified)
(dotted_name (identifier) (identifier) @qualified)
(import_statement (dotted_name (identifier) @qualified))
(import_from_statement (dotted_name (identifier) @qualified))
(future_import_statement (dotted_name (identifier) @qualified))
(relative_import (dotted_name (identifier) @qualified))
(aliased_import name: (dotted_name (identifier) @qualified))
