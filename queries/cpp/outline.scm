; inherits: c

(class_specifier name: (_) @name body: (_)) @definition.class
(namespace_definition name: (_) @name) @definition.module
(alias_declaration name: (_) @name) @definition.type
(concept_definition name: (_) @name) @definition.type

(declaration_list (declaration declarator: (identifier) @name) @definition.variable)
(declaration_list (declaration declarator: (init_declarator declarator: (identifier) @name)) @definition.variable)

; With a return type by reference
(function_definition declarator: (reference_declarator (function_declarator declarator: (identifier) @name))) @definition.function

; Members, here and out of line
(function_definition declarator: (function_declarator declarator: (field_identifier) @name)) @definition.method
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @name))) @definition.method
(function_definition declarator: (reference_declarator (function_declarator declarator: [(field_identifier) (operator_name)] @name))) @definition.method
(field_declaration declarator: (function_declarator declarator: [(field_identifier) (operator_name)] @name)) @definition.method
(field_declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (field_identifier) @name))) @definition.method
(field_declaration declarator: (reference_declarator (function_declarator declarator: [(field_identifier) (operator_name)] @name))) @definition.method
(function_definition declarator: (function_declarator declarator: (qualified_identifier) @name)) @definition.method
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (qualified_identifier) @name))) @definition.method
(function_definition declarator: (reference_declarator (function_declarator declarator: (qualified_identifier) @name))) @definition.method
(function_definition declarator: (function_declarator declarator: [(destructor_name) (operator_name)] @name)) @definition.method
(declaration declarator: (function_declarator declarator: [(destructor_name) (operator_name)] @name)) @definition.method
(field_declaration declarator: (reference_declarator (field_identifier) @name)) @definition.field

; A function without a type in a class is its constructor.
(field_declaration_list
  (declaration !type declarator: (function_declarator declarator: (identifier) @name)) @definition.constructor)
(field_declaration_list
  (function_definition !type declarator: (function_declarator declarator: (identifier) @name)) @definition.constructor)
