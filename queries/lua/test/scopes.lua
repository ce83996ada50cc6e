local function sum(start)
--             ^^^ definition.function
--                 ^^^^^ definition.parameter
-- <-> scope
  local total = start + limit
--      ^^^^^ definition.variable
--              ^^^^^ reference
--                      ^^^^^ reference.free
  for _, item in ipairs(items) do
--    ^  ^^^^ definition.variable
--               ^^^^^^ ^^^^^ reference.free
--^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
    total = total + item.price
--  ^^^^^   ^^^^^   ^^^^ reference
  end
  return total
--       ^^^^^ reference
end
