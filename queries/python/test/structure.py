# A module.
# <- comment
# <-> units
import os
# <- unit

@decorated
# <-> unit
class Point:
# <-> part
# <-> unit
    """A point."""
#   ^^^^^^^^^^^^^^> block.indented
#   ^^^^^^^^^^^^^^ string
#   ^^^^^^^^^^^^^^ unit
#   ^^^^^^^^^^^^^^> units
    x: int = 0
#   ^^^^^^^^^^ unit

    def name(self):
#   ^^^^^^^^^^^^^^^> unit
        if self.x:
#       ^^^^^^^^^^> block.indented
#       ^^^^^^^^^^> unit
#       ^^^^^^^^^^> units
            return f"at {self.x!r} {'y'}"
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ block.indented
#                       ^^^^^^^^^^ ^^^^^ embedded
#                  ^^^^^^^^^^^^^^^^^^^^^^ string
#                                   ^^^ string
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
        elif os:
            pass
#           ^^^^ block.indented
#           ^^^^ unit
#           ^^^^ units
        else:
            return 'none'
#           ^^^^^^^^^^^^^ block.indented
#                  ^^^^^^ string
#           ^^^^^^^^^^^^^ unit
#           ^^^^^^^^^^^^^ units

match x:
#       ^> block.indented
# <-> unit
#       ^> units
    case 1:
#   ^^^^^^^> unit
        print(1); print(2)
#       ^^^^^^^^^^^^^^^^^^ block.indented
#       ^^^^^^^^  ^^^^^^^^ unit
#       ^^^^^^^^^^^^^^^^^^ units
    case _:
#   ^^^^^^^> unit
        pass
#       ^^^^ block.indented
#       ^^^^ unit
#       ^^^^ units
