# a comment
# <- comment
# <-> units
sum() {
#     ^> block
#     ^> units
  echo "text"
#      ^^^^^^ string
}
