(import (qualified_identifier) @import.module)
