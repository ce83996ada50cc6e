total=$(compute "$limit")
#       ^^^^^^^ call
# <- value
#                 ^^^^^ value
free "$total"
# <- call
#      ^^^^^ value
