(using_directive (qualified_name) @import.module)
(using_directive !name (identifier) @import.module)
