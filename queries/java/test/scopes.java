package com.example;

import java.util.List;
//     ^^^^ reference.free

class Point<T> extends Base {
//    ^^^^^ definition.class
//          ^ definition.type
//                     ^^^^ reference.free
// <-> scope
    private int x = LIMIT;
//              ^ definition.field
//                  ^^^^^ reference
    static final int LIMIT = 10;
//                   ^^^^^ definition.field

    Point(int x, T... rest) { this.x = x + rest.length; }
//            ^       ^^^^ definition.parameter
//               ^                     ^   ^^^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope

    int later(List<Point<T>> list) {
//      ^^^^^ definition.method
//                           ^^^^ definition.parameter
//                 ^^^^^ ^ reference
//            ^^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                                 ^> scope
        int total = x;
//          ^^^^^ definition.variable
//                  ^ reference
        for (Point<T> p : list) { total += p.x + earlier(p); }
//                    ^ definition.variable
//           ^^^^^ ^      ^^^^    ^^^^^    ^     ^^^^^^^ ^ reference
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
        for (int i = 0; i < total; i++) unknown(i);
//               ^ definition.variable
//                      ^   ^^^^^  ^            ^ reference
//                                      ^^^^^^^ reference.free
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
        try (Reader r = open()) { r.read(i); } catch (Error | Fault e) { throw e; }
//                                                                  ^ definition.parameter
//                  ^ definition.variable
//                                ^                                            ^ reference
//           ^^^^^^     ^^^^             ^            ^^^^^   ^^^^^ reference.free
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                              ^^^^^^^^^^^^^^ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                                                     ^^^^^^^^^^^^ scope
        list.forEach(q -> System.out.println(q));
//                   ^ definition.parameter
//      ^^^^                                 ^ reference
//                        ^^^^^^ reference.free
//                   ^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
        if (list instanceof Big big) return big.size();
//                              ^^^ definition.variable
//          ^^^^                            ^^^ reference
//                          ^^^ reference.free
        return total + p;
//             ^^^^^ reference
//                     ^ reference.free
    }

    private int earlier(Point<T> p) { return Color.RED.ordinal(); }
//              ^^^^^^^ definition.method
//                               ^ definition.parameter
//                      ^^^^^ ^              ^^^^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope

    enum Color { RED }
//       ^^^^^ definition.enum
//               ^^^ definition.variant
//  ^^^^^^^^^^^^^^^^^^ scope
}
