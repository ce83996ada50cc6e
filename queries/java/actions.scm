(method_declaration name: (_) @function.name body: (block) @function.body) @function
(constructor_declaration name: (_) @function.name body: (constructor_body) @function.body) @function

(class_declaration name: (_) @type.name) @type
(interface_declaration name: (_) @type.name) @type
(enum_declaration name: (_) @type.name) @type
(record_declaration name: (_) @type.name) @type
((block_comment) @documentation (#match? @documentation "^/[*][*]"))

((throw_statement (object_creation_expression type: (type_identifier) @_name)) @placeholder (#eq? @_name "UnsupportedOperationException"))

(enhanced_for_statement) @loop
