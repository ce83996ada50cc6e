def documented(a):
# <-> function documented
    """Says so."""
#   ^^^^^^^^^^^^^^> body
    return a


def empty(a):
# <-> function documented empty
    """Will."""
#   ^^^^^^^^^^^ body


def planned():
# <-> function empty
    # The sum.
    pass
#   ^^^^ body
#   ^^^^ placeholder


class Shape:
# <-> type documented
    """A shape."""
#   ^^^^^^^^^^^^^^> body

    def area(self):
#   ^^^^^^^^^^^^^^^> function empty
        raise NotImplementedError("later")
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ body
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder

    def name(self): ...
#                   ^^^ body
#   ^^^^^^^^^^^^^^^^^^^ function empty
#                   ^^^ placeholder

    @property
    def sides(self):
#   ^^^^^^^^^^^^^^^^> function
        for side in self.all:
#       ^^^^^^^^^^^^^^^^^^^^^> body
#       ^^^^^^^^^^^^^^^^^^^^^> loop
            print(side)
        if not self.all:
            raise NotImplementedError
#           ^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
        return 0
