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
//                 ^> units
    private int x; // across
//                 ^^^^^^^^^ comment
//  ^^^^^^^^^^^^^^ unit

    Point(int x) {
//  ^^^^^^^^^^^^^^> unit
//               ^> units
        this.x = x;
//      ^^^^^^^^^^^ unit
    }

    String name() {
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
//                             ^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                           ^^^^^^^ unit
//                         ^^^^^^^^^^^ units
        switch (x) {
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
//                                    ^^^^^                     ^^^^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                                    ^^^^^^              ^^^^^^^^^^^^^ unit
//                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                                                      ^^^^^^^^^^^^^^^^^ units
    }

    enum Color { RED, GREEN; int code; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//               ^^^  ^^^^^  ^^^^^^^^^ unit
//             ^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                         ^^^^^^^^^^^ units
}
