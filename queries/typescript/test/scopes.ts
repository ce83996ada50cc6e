import { type Shape, load as read } from "shapes";
//            ^^^^^          ^^^^ definition.import

type Pair<T> = [T, T, Unknown];
//   ^^^^ ^ definition.type
//              ^  ^ reference
//                    ^^^^^^^ reference.free
// <- scope

interface Box extends Shape { pair: Pair<string>; }
//        ^^^ definition.interface
//                    ^^^^^         ^^^^ reference
// <- scope

enum Color { Red, Green = limit }
//   ^^^^^ definition.enum
//                        ^^^^^ reference.free

function later<T extends Box>(a: T, b?: number, c = 1, ...rest: T[]): Color {
//       ^^^^^ definition.function
//                            ^     ^           ^         ^^^^ definition.parameter
//             ^ definition.type
//                       ^^^     ^                              ^     ^^^^^ reference
// <-> scope
//                                                                          ^> scope
  const d = (e: Pair<T>, f) => e ?? f ?? a;
//           ^           ^ definition.parameter
//      ^ definition.variable
//              ^^^^ ^         ^    ^    ^ reference
//          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
  for (const g of rest) read(g, d(b, c));
//           ^ definition.variable
//                ^^^^  ^^^^ ^  ^ ^  ^ reference
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
  return geometry.make(Color.Red as Color);
//       ^^^^^^^^      ^^^^^        ^^^^^ reference
}

namespace geometry {
//        ^^^^^^^^ definition.module
// <-> scope
//                 ^> scope
  export function make(h: Color): Color { return h; }
//                ^^^^ definition.function
//                     ^ definition.parameter
//                        ^^^^^   ^^^^^          ^ reference
//       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                      ^^^^^^^^^^^^^ scope
  make(Color.Red);
//^^^^ ^^^^^ reference
}

abstract class Base {
//             ^^^^ definition.class
// <-> scope
  constructor(private i: Pair<number>) { later(i, T); }
//                    ^ definition.parameter
//                       ^^^^            ^^^^^ ^ reference
//                                                ^ reference.free
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                     ^^^^^^^^^^^^^^^^ scope
}
