import os

LIMIT = 10
# <- definition.constant
# <- name
count = 0
# <- definition.variable
# <- name
type Pair[T] = tuple[T, T]
# <- definition.type
#    ^^^^ name

def free(a, b=1):
# <-> definition.function
#   ^^^^ name
    local = 1
    def inner():
#   ^^^^^^^^^^^^> definition.function
#       ^^^^^ name
        pass
    return inner

@decorated
class Point(Base):
# <-> definition.class
#     ^^^^^ name
    x: int = 0
#   ^^^^^^^^^^ definition.field
#   ^ name
    names = []
#   ^^^^^^^^^^ definition.field
#   ^^^^^ name

    def __init__(self, x):
#   ^^^^^^^^^^^^^^^^^^^^^^> definition.constructor
#       ^^^^^^^^ name
        self.x = x

    @property
    def double(self):
#   ^^^^^^^^^^^^^^^^^> definition.method
#       ^^^^^^ name
        return self.x * 2

async def fetch():
# <-> definition.function
#         ^^^^^ name
    pass
