[
  (source_file)
  (function_declaration)
  (method_declaration)
  (func_literal)
  (block)
  (if_statement)
  (for_statement)
  (expression_switch_statement)
  (type_switch_statement)
  (expression_case)
  (type_case)
  (default_case)
  (communication_case)
  (type_spec)
] @scope

(function_declaration name: (_) @definition.function) @item
(type_spec name: (_) @definition.type) @item
(type_alias name: (_) @definition.type) @item
(type_parameter_declaration name: (_) @definition.type)
(method_declaration
  receiver: (parameter_list (parameter_declaration
    type: (pointer_type (generic_type type_arguments: (type_arguments (type_elem (type_identifier) @definition.type)))))))
(method_declaration
  receiver: (parameter_list (parameter_declaration
    type: (generic_type type_arguments: (type_arguments (type_elem (type_identifier) @definition.type))))))
(const_spec name: (identifier) @definition.constant)
(var_spec name: (identifier) @definition.variable)
(short_var_declaration left: (expression_list (identifier) @definition.variable)) @item
(range_clause left: (expression_list (identifier) @definition.variable))
(receive_statement left: (expression_list (identifier) @definition.variable))
(type_switch_statement alias: (expression_list (identifier) @definition.variable))
(parameter_declaration name: (identifier) @definition.parameter)
(variadic_parameter_declaration name: (identifier) @definition.parameter)
(import_spec name: (package_identifier) @definition.import)
(import_spec !name path: (interpreted_string_literal (interpreted_string_literal_content) @definition.import))

[
  (identifier)
  (type_identifier)
  (package_identifier)
] @reference

(package_clause (package_identifier) @qualified)
(qualified_type name: (type_identifier) @qualified)
; Keys of maps, arrays and slices are names like any other; those of structs are fields.
(composite_literal
  type: [(type_identifier) (qualified_type) (generic_type) (struct_type)]
  body: (literal_value (keyed_element key: (literal_element (identifier) @qualified))))
(literal_element (literal_value (keyed_element key: (literal_element (identifier) @qualified))))
