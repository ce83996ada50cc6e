@cached
#^^^^^^ call
class Point(Base):
#           ^^^^ type
#     ^^^^^ value
    def get(self, other: Other, many: List[int]) -> Result:
#                        ^^^^^        ^^^^ ^^^      ^^^^^^ type
#       ^^^ ^^^^  ^^^^^         ^^^^ value
        total = self.limit + compute(other.size)
#                            ^^^^^^^ call
#                    ^^^^^                 ^^^^ member
#       ^^^^^   ^^^^                 ^^^^^ value
        return self.parts.join(total)
#                         ^^^^ call
#                   ^^^^^ member
#              ^^^^            ^^^^^ value
