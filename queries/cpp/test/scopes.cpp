namespace geometry {
//        ^^^^^^^^ definition.module
// <-> scope
//                 ^> scope

using Number = double;
//    ^^^^^^ definition.type

template <typename T>
//                 ^ definition.type
// <-> scope
class Point : public Base {
//    ^^^^^ definition.class
//                   ^^^^ reference.free
// <-> scope
public:
    Number area(const Point &other) { return other.x_ + later(x_); }
//         ^^^^ definition.method
//                           ^^^^^ definition.parameter
//  ^^^^^^            ^^^^^                  ^^^^^      ^^^^^ ^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
    T x_;
//    ^^ definition.field
//  ^ reference
};

}

int later(const geometry::Point<int> &p, std::vector<int> list, int fallback = 1) {
//  ^^^^^ definition.function
//                                    ^                   ^^^^      ^^^^^^^^ definition.parameter
//              ^^^^^^^^ reference
//                                       ^^^ reference.free
// <-> scope
//                                                                                ^> scope
    auto &[a, b] = p;
//         ^  ^ definition.variable
//                 ^ reference
    for (const auto &item : list) {
//                   ^^^^ definition.variable
//                          ^^^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                                ^> scope
        auto add = [&](int c) { return c + item + a; };
//                         ^ definition.parameter
//           ^^^ definition.variable
//                                     ^   ^^^^   ^ reference
//                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                            ^^^^^^^^^^^^^^^^^^^^^^^^ scope
        add(b + fallback);
//      ^^^ ^   ^^^^^^^^ reference
    }
    try { unknown(); } catch (const Error &error) { throw error; }
//                                         ^^^^^ definition.parameter
//                                                        ^^^^^ reference
//        ^^^^^^^                   ^^^^^ reference.free
//      ^^^^^^^^^^^^^^ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                                ^^^^^^^^^^^^^^^^ scope
    return item;
//         ^^^^ reference.free
}
