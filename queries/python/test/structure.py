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
#   ^^^^^^^^^^^^^^ string
#   ^^^^^^^^^^^^^^ unit
#   ^^^^^^^^^^^^^^> units
    x: int = 0
#   ^^^^^^^^^^ unit

    def name(self):
#   ^^^^^^^^^^^^^^^> unit
        if self.x:
#       ^^^^^^^^^^> unit
#       ^^^^^^^^^^> units
            return f"at {self.x!r} {'y'}"
#                       ^^^^^^^^^^ ^^^^^ embedded
#                  ^^^^^^^^^^^^^^^^^^^^^^ string
#                                   ^^^ string
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
        elif os:
            pass
#           ^^^^ unit
#           ^^^^ units
        else:
            return 'none'
#                  ^^^^^^ string
#           ^^^^^^^^^^^^^ unit
#           ^^^^^^^^^^^^^ units

match x:
# <-> unit
#       ^> units
    case 1:
#   ^^^^^^^> unit
        print(1); print(2)
#       ^^^^^^^^  ^^^^^^^^ unit
#       ^^^^^^^^^^^^^^^^^^ units
    case _:
#   ^^^^^^^> unit
        pass
#       ^^^^ unit
#       ^^^^ units
