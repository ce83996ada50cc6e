(identifier) @reference.value
(constant) @reference.type
(call method: (identifier) @reference.call)
(superclass (constant) @reference.type)
