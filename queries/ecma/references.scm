; What JavaScript, TypeScript and TSX share.

(identifier) @reference.value
(shorthand_property_identifier) @reference.value
(member_expression property: (property_identifier) @reference.member)
(call_expression function: (identifier) @reference.call)
(call_expression function: (member_expression property: (property_identifier) @reference.call))
(new_expression constructor: (identifier) @reference.type)
