(function_definition name: (_) @signature.name parameters: (parameters) @signature.parameters) @signature
(parameters (identifier) @parameter.name)
(parameters (default_parameter name: (_) @parameter.name value: (_) @parameter.default))
(parameters (typed_parameter . (identifier) @parameter.name type: (_) @parameter.type))
(parameters (typed_default_parameter name: (_) @parameter.name type: (_) @parameter.type value: (_) @parameter.default))
(parameters [(list_splat_pattern) (dictionary_splat_pattern)] @parameter.rest)
(parameters (typed_parameter [(list_splat_pattern) (dictionary_splat_pattern)]) @parameter.rest)
(parameters (keyword_separator) @parameter.keywords)
(parameters (positional_separator) @parameter.positionals)

(call function: (_) @call.function arguments: (argument_list) @call.arguments)
(keyword_argument name: (_) @argument.name) @argument
(argument_list [(list_splat) (dictionary_splat)] @argument.spread)

(class_definition name: (_) @container.name) @container
(class_definition name: (_) @container.name superclasses: (argument_list [(identifier) (attribute) (subscript)] @container.base)) @container

(call function: (_) @key.owner arguments: (argument_list (keyword_argument name: (_) @key)))

(typed_parameter . (identifier) @typed.name type: (_) @typed.type)
(typed_default_parameter name: (_) @typed.name type: (_) @typed.type)
(assignment left: (identifier) @typed.name type: (_) @typed.type)
(assignment left: (identifier) @typed.name !type right: (_) @typed.value)
(with_item value: (as_pattern (_) @typed.value alias: (as_pattern_target (identifier) @typed.name)))
(class_definition body: (block (expression_statement (assignment left: (identifier) @member.name type: (_) @member.type))))
(assignment left: (attribute object: (identifier) @_self attribute: (identifier) @member.name) type: (_) @member.type)
(assignment left: (attribute object: (identifier) @_self attribute: (identifier) @member.name) !type right: (_) @member.value)
(function_definition name: (_) @returns.name return_type: (_) @returns.type)
