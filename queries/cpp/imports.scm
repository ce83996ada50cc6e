; inherits: c

(using_declaration (qualified_identifier scope: (_) @import.module name: (identifier) @import.name))
(using_declaration "namespace" (_) @import.module)
