limit=3
# <- definition.variable
# <- name
export name=x
#      ^^^^^^ definition.variable
#      ^^^^ name
sum() {
# <-> definition.function
# <- name
  local total=1
}
function free { echo 1; }
# <- definition.function
#        ^^^^ name
