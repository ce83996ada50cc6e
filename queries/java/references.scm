(identifier) @reference.value
(type_identifier) @reference.type
(field_access field: (identifier) @reference.member)
(method_invocation name: (identifier) @reference.call)
(method_reference (identifier) @reference.call .)
(method_invocation object: (identifier) @reference.value)
(annotation name: (identifier) @reference.type)
(marker_annotation name: (identifier) @reference.type)
