interface Shape {
// <-> definition.interface
//        ^^^^^ name
  name: string;
//^^^^^^^^^^^^ definition.field
//^^^^ name
  area(scale: number): number;
//^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//^^^^ name
}

type Pair<T> = [T, T];
// <- definition.type
//   ^^^^ name

enum Color { Red, Green = 2 }
// <- definition.enum
//           ^^^  ^^^^^^^^^ definition.variant
//   ^^^^^   ^^^  ^^^^^ name

namespace geometry {
// <-> definition.module
//        ^^^^^^^^ name
  export function free(a: number): void {}
//       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.function
//                ^^^^ name
}

abstract class Base implements Shape {
// <-> definition.class
//             ^^^^ name
  private readonly name: string = "";
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.field
//                 ^^^^ name
  static count = 0;
//^^^^^^^^^^^^^^^^ definition.field
//       ^^^^^ name
  handler = () => 1;
//^^^^^^^^^^^^^^^^^ definition.method
//^^^^^^^ name
  constructor(public x: number) { super(); }
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//^^^^^^^^^^^ name
  abstract area(): number;
//^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//         ^^^^ name
}

declare function external(a: string): void;
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.function
//               ^^^^^^^^ name
declare const VERSION: string;
//            ^^^^^^^^^^^^^^^ definition.constant
//            ^^^^^^^ name
export const LIMIT: number = 1;
//           ^^^^^^^^^^^^^^^^^ definition.constant
//           ^^^^^ name
