(name) @reference.value
(named_type (name) @reference.type)
(object_creation_expression (name) @reference.type)
(base_clause (name) @reference.type)
(function_call_expression function: (name) @reference.call)
(member_call_expression name: (name) @reference.call)
(scoped_call_expression name: (name) @reference.call)
(scoped_call_expression scope: (name) @reference.type)
(member_access_expression name: (name) @reference.member)
