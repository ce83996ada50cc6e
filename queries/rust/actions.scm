(function_item name: (_) @function.name body: (block) @function.body) @function

(struct_item name: (_) @type.name) @type
(enum_item name: (_) @type.name) @type
(union_item name: (_) @type.name) @type
(trait_item name: (_) @type.name) @type
(type_item name: (_) @type.name) @type
((line_comment) @documentation (#match? @documentation "^///"))
((block_comment) @documentation (#match? @documentation "^/[*][*]"))

((macro_invocation macro: (identifier) @_name) @placeholder (#any-of? @_name "todo" "unimplemented"))
((expression_statement (macro_invocation macro: (identifier) @_name)) @placeholder (#any-of? @_name "todo" "unimplemented"))

(for_expression) @loop
