(function_item name: (_) @signature.name parameters: (parameters) @signature.parameters) @signature
(function_signature_item name: (_) @signature.name parameters: (parameters) @signature.parameters) @signature
(self_parameter) @parameter.receiver
(parameter pattern: (self)) @parameter.receiver
(parameters (parameter pattern: [(identifier) (mut_pattern) (ref_pattern) (tuple_pattern) (tuple_struct_pattern) (struct_pattern) (slice_pattern) (reference_pattern) "_"] @parameter.name type: (_) @parameter.type))
(parameters (variadic_parameter) @parameter.rest)

(call_expression function: (_) @call.function arguments: (arguments) @call.arguments)

(impl_item trait: (_)? @container.base type: (_) @container.name) @container
(trait_item name: (_) @container.name) @container
(struct_item name: (_) @container.name) @container
(union_item name: (_) @container.name) @container
(enum_item name: (_) @container.name) @container
(enum_variant name: (_) @container.name) @container

(struct_expression name: (_) @key.owner body: (field_initializer_list (field_initializer field: (_) @key)))
(struct_expression name: (_) @key.owner body: (field_initializer_list (shorthand_field_initializer (identifier) @key.shorthand)))
(struct_pattern type: (_) @key.owner (field_pattern name: (field_identifier) @key))
(struct_pattern type: (_) @key.owner (field_pattern name: (shorthand_field_identifier) @key.shorthand))

(parameter pattern: [(identifier) @typed.name (mut_pattern (identifier) @typed.name)] type: (_) @typed.type)
(closure_parameters (parameter pattern: (identifier) @typed.name type: (_) @typed.type))
(let_declaration pattern: (identifier) @typed.name type: (_) @typed.type)
(let_declaration pattern: (identifier) @typed.name !type value: (_) @typed.value)
(const_item name: (_) @typed.name type: (_) @typed.type)
(static_item name: (_) @typed.name type: (_) @typed.type)
(field_declaration name: (_) @member.name type: (_) @member.type)
(function_item name: (_) @returns.name return_type: (_) @returns.type)
