; inherits: c

; Units
[
  (alias_declaration)
  (concept_definition)
  (for_range_loop)
  (friend_declaration)
  (namespace_alias_definition)
  (namespace_definition)
  (static_assert_declaration)
  (template_declaration)
  (throw_statement)
  (try_statement)
  (using_declaration)
] @unit

; `public:` and its kind stand before the members, not for one.
(access_specifier) @unit.prefix

(init_statement (_) @part)
(condition_clause (_) @part)

; Lexical
(raw_string_literal) @string
