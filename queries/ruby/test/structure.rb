# a comment
# <- comment
# <-> units
def total
  name = "text #{other}"
#              ^^^^^^^^ embedded
#        ^^^^^^^^^^^^^^^ string
# ^^^^^^^^^^^^^^^^^^^^^^> units
  name
end
