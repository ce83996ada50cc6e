#!/usr/bin/env node
// <- comment
// <-> units
// A module.
// <- comment
import fs from "fs";
//             ^^^^ string
// <- unit

class Point {
// <-> unit
//          ^> units
  x = `at ${this.y + 'z'}`;
//        ^^^^^^^^^^^^^^^ embedded
//    ^^^^^^^^^^^^^^^^^^^^ string
//                   ^^^ string
//^^^^^^^^^^^^^^^^^^^^^^^^ unit
  static { init(); }
//         ^^^^^^^ unit
//       ^^^^^^^^^^^ units
  name() {
//^^^^^^^^> unit
//       ^> units
    if (/a+/.test(this.x)) return "a"; /* b */
//                                     ^^^^^^^ comment
//      ^^^^                      ^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                         ^^^^^^^^^^^ unit
    switch (this.x) {
//  ^^^^^^^^^^^^^^^^^> unit
//                  ^> units
      case 1:
//    ^^^^^^^> unit
        one();
//      ^^^^^^ unit
        break;
//      ^^^^^^ unit
      default:
//    ^^^^^^^^> unit
        for (const a of b) { c(a) }
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                           ^^^^ unit
//                         ^^^^^^^^ units
    }
  }
}

const f = () => { return 1 };
// <- unit
//                ^^^^^^^^ unit
//              ^^^^^^^^^^^^ units
for (let i = 0; i < 3; i++) { g(i); }
//   ^^^^^^^^^^ ^^^^^ part
// <- unit
//   ^^^^^^^^^^               ^^^^^ unit
//                          ^^^^^^^^^ units
