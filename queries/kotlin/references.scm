(identifier) @reference.value
(user_type (identifier) @reference.type)
(navigation_expression (_) (identifier) @reference.member)
(call_expression (identifier) @reference.call)
(call_expression (navigation_expression (_) (identifier) @reference.call))
