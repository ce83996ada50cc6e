def total(start, by: 1)
#         ^^^^^  ^^ definition.parameter
# <-> scope
  sum = start
# ^^^ definition.variable
#       ^^^^^ reference
  items.each { |item| sum += item.price * by }
#               ^^^^ definition.parameter
#                     ^^^    ^^^^         ^^ reference
# ^^^^^ reference.free
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
  sum
# ^^^ reference
end
