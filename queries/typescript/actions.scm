; inherits: ecma

(abstract_class_declaration name: (_) @type.name) @type
(interface_declaration name: (_) @type.name) @type
(enum_declaration name: (_) @type.name) @type
(type_alias_declaration name: (_) @type.name) @type
