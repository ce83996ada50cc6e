[
  (translation_unit)
  (function_definition)
  (compound_statement)
  (for_statement)
  (preproc_function_def)
] @scope

(function_definition declarator: (function_declarator declarator: (identifier) @definition.function)) @item
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @definition.function))) @item
(declaration declarator: (function_declarator declarator: (identifier) @definition.function)) @item
(declaration
  declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @definition.function))) @item
(struct_specifier name: (type_identifier) @definition.struct body: (_))
(union_specifier name: (type_identifier) @definition.union body: (_))
(enum_specifier name: (type_identifier) @definition.enum body: (_))
(enumerator name: (_) @definition.variant)
(type_definition declarator: (type_identifier) @definition.type)
(type_definition declarator: (pointer_declarator declarator: (type_identifier) @definition.type))
(preproc_def name: (_) @definition.constant)
(preproc_function_def name: (_) @definition.macro) @item
(preproc_params (identifier) @definition.parameter)

(declaration declarator: (identifier) @definition.variable)
(declaration declarator: (array_declarator declarator: (identifier) @definition.variable))
(declaration declarator: (pointer_declarator declarator: (identifier) @definition.variable))
(init_declarator declarator: (identifier) @definition.variable)
(init_declarator declarator: (array_declarator declarator: (identifier) @definition.variable))
(init_declarator declarator: (pointer_declarator declarator: (identifier) @definition.variable))
(parameter_declaration declarator: (identifier) @definition.parameter)
(parameter_declaration declarator: (array_declarator declarator: (identifier) @definition.parameter))
(parameter_declaration declarator: (pointer_declarator declarator: (identifier) @definition.parameter))
(parameter_declaration
  declarator: (pointer_declarator declarator: (pointer_declarator declarator: (identifier) @definition.parameter)))

[
  (identifier)
  (type_identifier)
] @reference
