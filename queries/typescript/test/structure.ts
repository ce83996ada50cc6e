import { a } from "a";
//                ^^^ string
// <- unit
// <-> units

// A shape.
// <- comment
interface Shape {
//              ^> block
// <-> unit
//              ^> units
  name: string;
//^^^^^^^^^^^^ unit
  area(): number;
//^^^^^^^^^^^^^^ unit
}

type Path = `/${string}`;
//            ^^^^^^^^^ embedded
//          ^^^^^^^^^^^^ string
// <- unit
type Point = { x: number; y: number };
//           ^^^^^^^^^^^^^^^^^^^^^^^^ block
// <- unit
//             ^^^^^^^^^  ^^^^^^^^^ unit
//           ^^^^^^^^^^^^^^^^^^^^^^^^ units

enum Color { Red, Green = 2 }
//         ^^^^^^^^^^^^^^^^^^ block
// <- unit
//         ^^^^^^^^^^^^^^^^^^ units

abstract class Base {
//                  ^> block
// <-> unit
//                  ^> units
  private count = 0;
//^^^^^^^^^^^^^^^^^ unit
  abstract area(): number;
//^^^^^^^^^^^^^^^^^^^^^^^ unit
  name(): string {
//               ^> block
//^^^^^^^^^^^^^^^^> unit
//               ^> units
    return `${this.count}`;
//          ^^^^^^^^^^^^^ embedded
//         ^^^^^^^^^^^^^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^ unit
  }
}

namespace geometry {
//                 ^> block
// <-> unit
//                 ^> units
  declare const b: number;
//^^^^^^^^^^^^^^^^^^^^^^^^ unit
//        ^^^^^^^^^^^^^^^^ unit
}
