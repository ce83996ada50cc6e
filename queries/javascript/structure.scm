; inherits: ecma

(field_definition) @unit
