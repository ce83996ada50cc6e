(function_definition declarator: (function_declarator declarator: (_) @function.name) body: (compound_statement) @function.body) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @function.name)) body: (compound_statement) @function.body) @function

(struct_specifier name: (_) @type.name body: (_)) @type
(enum_specifier name: (_) @type.name body: (_)) @type
((comment) @documentation (#match? @documentation "^/([*][*]|//)"))
