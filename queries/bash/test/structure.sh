# a comment
# <- comment
# <-> units
sum() {
#     ^> units
  echo "text"
#      ^^^^^^ string
}
