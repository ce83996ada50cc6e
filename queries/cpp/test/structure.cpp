#include <vector>
//       ^^^^^^^^ string
// <- unit
// <-> units

namespace geometry {
//                 ^> block
// <-> unit
//                 ^> units

// A point.
// <- comment
class Point {
//          ^> block
//          ^> units
public:
// <- unit.prefix
    Point() = default;
//  ^^^^^^^^^^^^^^^^^^ unit
    int x;
//  ^^^^^^ unit
};

template <typename T>
// <-> unit
T maximum(T a, T b) { return a; }
//                  ^^^^^^^^^^^^^ block
// <- unit
//                    ^^^^^^^^^ unit
//                  ^^^^^^^^^^^^^ units

}

using geometry::Point;
// <- unit

int main() {
//         ^> block
// <-> unit
//         ^> units
    for (auto &p : points) {
//                         ^> block
//  ^^^^^^^^^^^^^^^^^^^^^^^^> unit
//                         ^> units
        f([&] { return R"(raw)"; });
//            ^^^^^^^^^^^^^^^^^^^^ block
//                     ^^^^^^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//              ^^^^^^^^^^^^^^^^ unit
//            ^^^^^^^^^^^^^^^^^^^^ units
    }
    try { g('c'); } catch (...) { throw; }
//      ^^^^^^^^^^^             ^^^^^^^^^^ block
//          ^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//        ^^^^^^^                 ^^^^^^ unit
//      ^^^^^^^^^^^             ^^^^^^^^^^ units
}

void more() {
//          ^> block
// <-> unit
//          ^> units
    if (int a = b(); a > 0) { return; }
//                          ^^^^^^^^^^^ block
//      ^^^^^^^^^^^^ ^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//      ^^^^^^^^^^^^          ^^^^^^^ unit
//                          ^^^^^^^^^^^ units
    for (int i = 0; i < 3; i++) i--;
//       ^^^^^^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//       ^^^^^^^^^^             ^^^^ unit
}
