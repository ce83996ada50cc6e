(identifier) @reference.value
(type_identifier) @reference.type
(field_identifier) @reference.member
(call_expression function: (identifier) @reference.call)
(call_expression function: (field_expression field: (field_identifier) @reference.call))
