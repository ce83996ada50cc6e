; What JavaScript, TypeScript and TSX share.

(function_declaration name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(generator_function_declaration name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(method_definition name: (_) @signature.name parameters: (_) @signature.parameters) @signature
(variable_declarator name: (identifier) @signature.name value: (arrow_function parameters: (_) @signature.parameters) @signature)
(variable_declarator name: (identifier) @signature.name value: (function_expression parameters: (_) @signature.parameters) @signature)

(call_expression function: (_) @call.function arguments: (arguments) @call.arguments)
(new_expression constructor: (_) @call.function arguments: (arguments) @call.arguments) @call.new
(arguments (spread_element) @argument.spread)

(pair key: (property_identifier) @key)
(object (shorthand_property_identifier) @key.shorthand)
(pair_pattern key: (property_identifier) @key)
(object_pattern (shorthand_property_identifier_pattern) @key.shorthand)
(object_pattern (object_assignment_pattern left: (shorthand_property_identifier_pattern) @key.shorthand))
(variable_declarator
  name: (object_pattern [
    (pair_pattern key: (property_identifier) @key)
    (shorthand_property_identifier_pattern) @key.shorthand
    (object_assignment_pattern left: (shorthand_property_identifier_pattern) @key.shorthand)])
  value: [(identifier) (this)] @key.value)

(assignment_expression left: (member_expression object: (this) property: (property_identifier) @member.name) right: (_) @member.value)
