local M = {}
-- <- definition.variable
--    ^ name
local limit = 3
-- <- definition.variable
--    ^^^^^ name
function M.sum(start) return start end
-- <- definition.function
--         ^^^ name
function M:total() return self.a end
-- <- definition.method
--         ^^^^^ name
local function free(x) return x end
-- <- definition.function
--             ^^^^ name
M.late = function(x) return x end
-- <- definition.function
--^^^^ name
