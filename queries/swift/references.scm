(simple_identifier) @reference.value
(type_identifier) @reference.type
(navigation_suffix suffix: (simple_identifier) @reference.member)
(call_expression (simple_identifier) @reference.call)
(call_expression (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @reference.call)))
