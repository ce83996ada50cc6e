; inherits: ecma

(field_definition property: (_) @name) @definition.field
(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @definition.method
