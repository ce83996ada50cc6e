sum() {
# <- definition.function
# <-> scope
  local total=$1
#       ^^^^^ definition.variable
#              ^ reference.free
  for item in a b; do
#     ^^^^ definition.variable
    echo "$item" $total $limit
#          ^^^^   ^^^^^ reference
#   ^^^^                 ^^^^^ reference.free
  done
}
sum 1
# <- reference
