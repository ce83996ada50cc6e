(scoped_use_list path: (_) @import.prefix) @import.group

(use_declaration argument: (identifier) @import.name)
(use_declaration argument: (scoped_identifier path: (_) @import.module name: (identifier) @import.name))
(use_list (identifier) @import.name)
(use_list (scoped_identifier path: (_) @import.module name: (identifier) @import.name))
(use_as_clause path: (identifier) @import.name alias: (identifier) @import.alias)
(use_as_clause
  path: (scoped_identifier path: (_) @import.module name: (identifier) @import.name)
  alias: (identifier) @import.alias)
(use_wildcard (_) @import.module)
