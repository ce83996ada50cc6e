package com.example;
// <- unit
// <-> units

import java.util.List;
// <- unit

/** A point. */
// <- comment
@Deprecated
// <-> unit
public class Point {
//                 ^> block
//                 ^> units
    private int x; // across
//                 ^^^^^^^^^ comment
//  ^^^^^^^^^^^^^^ unit

    Point(int x) {
//               ^> block
//  ^^^^^^^^^^^^^^> unit
//               ^> units
        this.x = x;
//      ^^^^^^^^^^^ unit
    }

    String name() {
//                ^> block
//  ^^^^^^^^^^^^^^^> unit
//                ^> units
        if (x > 0) return "positive";
//                        ^^^^^^^^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                 ^^^^^^^^^^^^^^^^^^ unit
        for (int j = 0; j < 3; j++) f(j);
//           ^^^^^^^^^^ part
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//           ^^^^^^^^^^             ^^^^^ unit
        for (int i : list) { f('c'); }
//                         ^^^^^^^^^^^ block
//                             ^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                           ^^^^^^^ unit
//                         ^^^^^^^^^^^ units
        switch (x) {
//                 ^> block
//                 ^> units
            case 1:
                return """
//                     ^^^> string
//              ^^^^^^^^^^> unit
                    one""";
            default:
                break;
//              ^^^^^^ unit
        }
        return switch (x) { case 2 -> "two"; default -> { yield "many"; } };
//                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ block
//                                                      ^^^^^^^^^^^^^^^^^ block
//                                    ^^^^^                     ^^^^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                                    ^^^^^^              ^^^^^^^^^^^^^ unit
//                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                                                      ^^^^^^^^^^^^^^^^^ units
    }

    enum Color { RED, GREEN; int code; }
//             ^^^^^^^^^^^^^^^^^^^^^^^^^ block
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//               ^^^  ^^^^^  ^^^^^^^^^ unit
//             ^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                         ^^^^^^^^^^^ units
}
