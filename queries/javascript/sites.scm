; inherits: ecma

(formal_parameters (identifier) @parameter.name)
(formal_parameters (object_pattern) @parameter.name)
(formal_parameters (array_pattern) @parameter.name)
(formal_parameters (assignment_pattern left: (_) @parameter.name right: (_) @parameter.default))
(formal_parameters (rest_pattern) @parameter.rest)

(class_declaration name: (_) @container.name) @container
(class_declaration name: (_) @container.name (class_heritage (_) @container.base)) @container

(variable_declarator name: (identifier) @typed.name value: (_) @typed.value)
