(identifier) @reference.value
(shorthand_field_identifier) @reference.value
(type_identifier) @reference.type
(scoped_identifier path: (identifier) @reference.type)
(scoped_type_identifier path: (identifier) @reference.type)
(field_identifier) @reference.member
(call_expression function: (identifier) @reference.call)
(call_expression function: (scoped_identifier name: (identifier) @reference.call))
(call_expression function: (field_expression field: (field_identifier) @reference.call))
(generic_function function: (identifier) @reference.call)
(generic_function function: (scoped_identifier name: (identifier) @reference.call))
(generic_function function: (field_expression field: (field_identifier) @reference.call))
(macro_invocation macro: (identifier) @reference.macro)
(macro_invocation macro: (scoped_identifier name: (identifier) @reference.macro))
