[
  (program)
  (method)
  (singleton_method)
  (class)
  (module)
  (block)
  (do_block)
  (lambda)
] @scope

(class name: (constant) @definition.class) @item
(module name: (constant) @definition.module) @item
(method_parameters (identifier) @definition.parameter)
(method_parameters (optional_parameter name: (identifier) @definition.parameter))
(method_parameters (keyword_parameter name: (identifier) @definition.parameter))
(block_parameters (identifier) @definition.parameter)
(assignment left: (identifier) @definition.variable)

[
  (identifier)
  (constant)
] @reference

(method name: (_) @qualified)
(singleton_method name: (_) @qualified)
(call receiver: (_) method: (_) @qualified)
(scope_resolution name: (_) @qualified)
