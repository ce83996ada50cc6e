import os.path, json as j
#                       ^ definition.import
from typing import List, Dict as D
#                                ^ definition.import

count = 0
# <- definition.variable

def later(a, *rest, b: int = 1, **options) -> List[int]:
#   ^^^^^ definition.function
#         ^   ^^^^  ^             ^^^^^^^ definition.parameter
#                      ^^^                    ^^^^ ^^^ reference.free
# <-> scope
    total = a + count + len(rest)
#   ^^^^^ definition.variable
#           ^   ^^^^^       ^^^^ reference
#                       ^^^ reference.free
    for i, item in enumerate(rest):
#       ^  ^^^^ definition.variable
#                            ^^^^ reference
#                  ^^^^^^^^^ reference.free
        total += item.size
#       ^^^^^    ^^^^ reference
    earlier(total, key=b)
#   ^^^^^^^ ^^^^^      ^ reference
    with open(os.path.join(a)) as file:
#                                 ^^^^ definition.variable
#                          ^ reference
#        ^^^^ ^^ reference.free
        first, *others = file
#       ^^^^^   ^^^^^^ definition.variable
#                        ^^^^ reference
    if (n := len(others)) > 1:
#       ^ definition.variable
#                ^^^^^^ reference
#            ^^^ reference.free
        return [x * n for x in others if x]
#                         ^ definition.parameter
#               ^   ^          ^^^^^^    ^ reference
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
    return lambda y=2: y + unknown + x
#                 ^ definition.parameter
#                      ^ reference
#                          ^^^^^^^   ^ reference.free
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope

class Point(Base):
#     ^^^^^ definition.class
#           ^^^^ reference.free
# <-> scope
    limit = 1

    def get(self):
#           ^^^^ definition.parameter
#   ^^^^^^^^^^^^^^> scope
        a, *b = self.get()
#       ^   ^ definition.variable
#               ^^^^ reference
        return get(limit, b, self.limit, D, j.loads)
#                         ^  ^^^^        ^  ^ reference
#              ^^^ ^^^^^ reference.free

def earlier(total, key):
#   ^^^^^^^ definition.function
#           ^^^^^  ^^^ definition.parameter
# <-> scope
    try:
        pass
    except ValueError as error:
#                        ^^^^^ definition.variable
#          ^^^^^^^^^^ reference.free
        raise error
#             ^^^^^ reference

def again():
#   ^^^^^ definition.function
# <-> scope
    global count
#          ^^^^^ reference
    if count:
#      ^^^^^ reference
        count = 1
#       ^^^^^ reference
    total = 2
#   ^^^^^ definition.variable
    def inner():
#       ^^^^^ definition.function
#   ^^^^^^^^^^^^> scope
        nonlocal total
#                ^^^^^ reference
        total = 3
#       ^^^^^ reference
    return count
#          ^^^^^ reference

def matched(value, other):
#   ^^^^^^^ definition.function
#           ^^^^^  ^^^^^ definition.parameter
# <-> scope
    match value:
#         ^^^^^ reference
        case Point(limit=x, size=1):
#                        ^ definition.variable
#            ^^^^^ reference
            return x
#                  ^ reference
        case j.Point(y) | Point(y):
#                    ^          ^ definition.variable
#            ^            ^^^^^ reference
            return y
#                  ^ reference
        case [head, *tail] as whole:
#             ^^^^   ^^^^     ^^^^^ definition.variable
            return head, tail, whole
#                  ^^^^  ^^^^  ^^^^^ reference
        case {"key": j.LIMIT}:
#                    ^ reference
            return other
#                  ^^^^^ reference
        case rest:
#            ^^^^ definition.variable
            return rest
#                  ^^^^ reference
