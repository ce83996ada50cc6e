class Cart < Base
#     ^^^^   ^^^^ type
  def total(start)
#     ^^^^^ ^^^^^ value
    other = Money.new(1)
#                 ^^^ call
#           ^^^^^ type
#   ^^^^^ value
    compute(start.parts, LIMIT)
#   ^^^^^^^       ^^^^^ call
#                        ^^^^^ type
#           ^^^^^ value
  end
end
