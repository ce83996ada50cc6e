(class_definition name: (_) @name) @definition.class
(function_definition name: (_) @name) @definition.function
(type_alias_statement left: (type (identifier) @name)) @definition.type
(type_alias_statement left: (type (generic_type (identifier) @name))) @definition.type

(module (expression_statement (assignment left: (identifier) @name) @definition.variable))
((module (expression_statement (assignment left: (identifier) @name) @definition.constant))
  (#match? @name "^[A-Z][A-Z0-9_]*$"))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @definition.field)))

(class_definition body: (block (function_definition name: (_) @name) @definition.method))
(class_definition body: (block (decorated_definition definition: (function_definition name: (_) @name) @definition.method)))
((class_definition body: (block (function_definition name: (_) @name) @definition.constructor))
  (#eq? @name "__init__"))
