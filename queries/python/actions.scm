(function_definition name: (_) @function.name body: (block) @function.body) @function

(class_definition name: (_) @type.name body: (block) @type.body) @type
(function_definition body: (block . (expression_statement (string)) @documentation.inside))
(class_definition body: (block . (expression_statement (string)) @documentation.inside))

(function_definition body: (block (pass_statement) @placeholder .))
(function_definition body: (block (expression_statement (ellipsis)) @placeholder .))
((raise_statement [(identifier) @_name (call function: (identifier) @_name)]) @placeholder (#eq? @_name "NotImplementedError"))

(for_statement) @loop
