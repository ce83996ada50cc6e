; inherits: ecma

(function_signature name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(method_signature name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(abstract_method_signature name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(public_field_definition name: (_) @signature.name value: (arrow_function parameters: (_) @signature.parameters) @signature)

(formal_parameters (required_parameter pattern: (this)) @parameter.this)
(formal_parameters (required_parameter pattern: [(identifier) (object_pattern) (array_pattern)] @parameter.name type: (_)? @parameter.type value: (_)? @parameter.default))
(formal_parameters (optional_parameter pattern: (_) @parameter.name type: (_)? @parameter.type) @parameter.default)
(formal_parameters (required_parameter pattern: (rest_pattern)) @parameter.rest)

(_
  [name: (object_pattern [
     (pair_pattern key: (property_identifier) @key)
     (shorthand_property_identifier_pattern) @key.shorthand
     (object_assignment_pattern left: (shorthand_property_identifier_pattern) @key.shorthand)])
   pattern: (object_pattern [
     (pair_pattern key: (property_identifier) @key)
     (shorthand_property_identifier_pattern) @key.shorthand
     (object_assignment_pattern left: (shorthand_property_identifier_pattern) @key.shorthand)])]
  type: (type_annotation (_) @key.owner))
(variable_declarator
  type: (type_annotation (_) @key.owner)
  value: (object [(pair key: (property_identifier) @key) (shorthand_property_identifier) @key.shorthand]))
(as_expression (object [(pair key: (property_identifier) @key) (shorthand_property_identifier) @key.shorthand]) (_) @key.owner)
(satisfies_expression (object [(pair key: (property_identifier) @key) (shorthand_property_identifier) @key.shorthand]) (_) @key.owner)
(arrow_function
  return_type: (type_annotation (_) @key.owner)
  body: (parenthesized_expression (object [(pair key: (property_identifier) @key) (shorthand_property_identifier) @key.shorthand])))
(_
  return_type: (type_annotation (_) @key.owner)
  body: (statement_block (return_statement (object [(pair key: (property_identifier) @key) (shorthand_property_identifier) @key.shorthand]))))

(class_declaration name: (_) @container.name) @container
(class_declaration name: (_) @container.name (class_heritage (extends_clause value: (_) @container.base))) @container
(class_declaration name: (_) @container.name (class_heritage (implements_clause (_) @container.base))) @container
(abstract_class_declaration name: (_) @container.name) @container
(abstract_class_declaration name: (_) @container.name (class_heritage (extends_clause value: (_) @container.base))) @container
(abstract_class_declaration name: (_) @container.name (class_heritage (implements_clause (_) @container.base))) @container
(interface_declaration name: (_) @container.name) @container
(interface_declaration name: (_) @container.name (extends_type_clause type: (_) @container.base)) @container
(enum_declaration name: (_) @container.name) @container

(required_parameter pattern: (identifier) @typed.name type: (type_annotation (_) @typed.type))
(optional_parameter pattern: (identifier) @typed.name type: (type_annotation (_) @typed.type))
(variable_declarator name: (identifier) @typed.name type: (type_annotation (_) @typed.type))
(variable_declarator name: (identifier) @typed.name !type value: (_) @typed.value)
(public_field_definition name: (property_identifier) @member.name type: (type_annotation (_) @member.type))
(public_field_definition name: (property_identifier) @member.name !type value: (_) @member.value)
(property_signature name: (property_identifier) @member.name type: (type_annotation (_) @member.type))
(required_parameter (accessibility_modifier) pattern: (identifier) @member.name type: (type_annotation (_) @member.type))
(function_declaration name: (_) @returns.name return_type: (type_annotation (_) @returns.type))
(method_definition name: (_) @returns.name return_type: (type_annotation (_) @returns.type))
