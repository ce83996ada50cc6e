local other = M.new(1)
--              ^^^ call
--    ^^^^^   ^ value
compute(other.parts, other:join(limit))
-- <- call
--                         ^^^^ call
--            ^^^^^ member
--      ^^^^^        ^^^^^      ^^^^^ value
