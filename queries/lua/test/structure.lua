-- a comment
-- <- comment
-- <-> units
local function sum()
  local name = "text"
--             ^^^^^^ string
--^^^^^^^^^^^^^^^^^^^> units
  return 1
end
