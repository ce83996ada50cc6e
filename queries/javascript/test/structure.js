#!/usr/bin/env node
// <- comment
// <-> units
// A module.
// <- comment
import fs from "fs";
//             ^^^^ string
// <- unit

class Point {
//          ^> block
// <-> unit
//          ^> units
  x = `at ${this.y + 'z'}`;
//        ^^^^^^^^^^^^^^^ embedded
//    ^^^^^^^^^^^^^^^^^^^^ string
//                   ^^^ string
//^^^^^^^^^^^^^^^^^^^^^^^^ unit
  static { init(); }
//       ^^^^^^^^^^^ block
//         ^^^^^^^ unit
//       ^^^^^^^^^^^ units
  name() {
//       ^> block
//^^^^^^^^> unit
//       ^> units
    if (/a+/.test(this.x)) return "a"; /* b */
//                                     ^^^^^^^ comment
//      ^^^^                      ^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                         ^^^^^^^^^^^ unit
    switch (this.x) {
//                  ^> block
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
//                         ^^^^^^^^ block
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                           ^^^^ unit
//                         ^^^^^^^^ units
    }
  }
}

const f = () => { return 1 };
//              ^^^^^^^^^^^^ block
// <- unit
//                ^^^^^^^^ unit
//              ^^^^^^^^^^^^ units
for (let i = 0; i < 3; i++) { g(i); }
//                          ^^^^^^^^^ block
//   ^^^^^^^^^^ ^^^^^ part
// <- unit
//   ^^^^^^^^^^               ^^^^^ unit
//                          ^^^^^^^^^ units
