; inherits: ecma

(class_heritage (identifier) @reference.type)
(jsx_opening_element name: (identifier) @reference.type)
(jsx_self_closing_element name: (identifier) @reference.type)
