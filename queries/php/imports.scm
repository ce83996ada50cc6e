(namespace_use_declaration (namespace_use_clause (qualified_name (namespace_name) @import.module (name) @import.name)))
[
  (require_expression (string) @import.module)
  (require_once_expression (string) @import.module)
  (include_expression (string) @import.module)
  (include_once_expression (string) @import.module)
]
