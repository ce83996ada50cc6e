import { a } from "a";
//                ^^^ string
// <- unit
// <-> units

// A shape.
// <- comment
interface Shape {
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
// <- unit
//             ^^^^^^^^^  ^^^^^^^^^ unit
//           ^^^^^^^^^^^^^^^^^^^^^^^^ units

enum Color { Red, Green = 2 }
// <- unit
//         ^^^^^^^^^^^^^^^^^^ units

abstract class Base {
// <-> unit
//                  ^> units
  private count = 0;
//^^^^^^^^^^^^^^^^^ unit
  abstract area(): number;
//^^^^^^^^^^^^^^^^^^^^^^^ unit
  name(): string {
//^^^^^^^^^^^^^^^^> unit
//               ^> units
    return `${this.count}`;
//          ^^^^^^^^^^^^^ embedded
//         ^^^^^^^^^^^^^^^ string
//  ^^^^^^^^^^^^^^^^^^^^^^^ unit
  }
}

namespace geometry {
// <-> unit
//                 ^> units
  declare const b: number;
//^^^^^^^^^^^^^^^^^^^^^^^^ unit
//        ^^^^^^^^^^^^^^^^ unit
}
