#include <vector>
//       ^^^^^^^^ string
// <- unit
// <-> units

namespace geometry {
// <-> unit
//                 ^> units

// A point.
// <- comment
class Point {
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
// <- unit
//                    ^^^^^^^^^ unit
//                  ^^^^^^^^^^^^^ units

}

using geometry::Point;
// <- unit

int main() {
// <-> unit
//         ^> units
    for (auto &p : points) {
//  ^^^^^^^^^^^^^^^^^^^^^^^^> unit
//                         ^> units
        f([&] { return R"(raw)"; });
//                     ^^^^^^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//              ^^^^^^^^^^^^^^^^ unit
//            ^^^^^^^^^^^^^^^^^^^^ units
    }
    try { g('c'); } catch (...) { throw; }
//          ^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//        ^^^^^^^                 ^^^^^^ unit
//      ^^^^^^^^^^^             ^^^^^^^^^^ units
}

void more() {
// <-> unit
//          ^> units
    if (int a = b(); a > 0) { return; }
//      ^^^^^^^^^^^^ ^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//      ^^^^^^^^^^^^          ^^^^^^^ unit
//                          ^^^^^^^^^^^ units
    for (int i = 0; i < 3; i++) i--;
//       ^^^^^^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//       ^^^^^^^^^^             ^^^^ unit
}
