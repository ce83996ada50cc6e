(function_declaration name: (_) @signature.name parameters: (parameter_list) @signature.parameters) @signature
(method_declaration name: (_) @signature.name parameters: (parameter_list) @signature.parameters) @signature
(method_elem name: (_) @signature.name parameters: (parameter_list) @signature.parameters) @signature
(parameter_list (parameter_declaration name: (identifier) @parameter.name type: (_) @parameter.type))
(parameter_list (parameter_declaration !name type: (_) @parameter.type) @parameter.name)
(parameter_list (variadic_parameter_declaration) @parameter.rest)

(call_expression function: (_) @call.function arguments: (argument_list) @call.arguments)
(argument_list (variadic_argument) @argument.spread)

(method_declaration receiver: (parameter_list (parameter_declaration type: (_) @container.name))) @container
(type_spec name: (_) @container.name type: [(struct_type) (interface_type)]) @container
(type_spec
  name: (_) @container.name
  type: (struct_type (field_declaration_list (field_declaration !name type: (_) @container.base)))) @container

(composite_literal type: (_) @key.owner body: (literal_value (keyed_element key: (literal_element (identifier) @key))))
(composite_literal
  type: [(slice_type element: (_) @key.owner) (array_type element: (_) @key.owner) (map_type value: (_) @key.owner)]
  body: (literal_value (literal_element (literal_value (keyed_element key: (literal_element (identifier) @key))))))
(composite_literal
  type: (map_type value: (_) @key.owner)
  body: (literal_value (keyed_element value: (literal_element (literal_value (keyed_element key: (literal_element (identifier) @key)))))))

(parameter_declaration name: (identifier) @typed.name type: (_) @typed.type)
(var_spec name: (identifier) @typed.name type: (_) @typed.type)
(var_spec name: (identifier) @typed.name !type value: (expression_list . (_) @typed.value .))
(short_var_declaration left: (expression_list . (identifier) @typed.name .) right: (expression_list . (_) @typed.value .))
(short_var_declaration left: (expression_list . (identifier) @typed.name . (_) .) right: (expression_list . (call_expression) @typed.value .))
(range_clause left: (expression_list . (identifier) @_index . (identifier) @typed.name) right: (_) @typed.each)
(field_declaration name: (_) @member.name type: (_) @member.type)
(function_declaration name: (_) @returns.name result: (_) @returns.type)
(method_declaration name: (_) @returns.name result: (_) @returns.type)
