import fs, { read as load, write } from "fs";
//     ^^            ^^^^  ^^^^^ definition.import
import * as path from "path";
//          ^^^^ definition.import

const limit = 3;
//    ^^^^^ definition.variable

function later(a, b = limit, ...rest) {
//       ^^^^^ definition.function
//             ^  ^             ^^^^ definition.parameter
//                    ^^^^^ reference
// <-> scope
//                                    ^> scope
  const { c, d: e, f = 1 } = earlier(a.b, rest);
//        ^     ^  ^ definition.variable
//                           ^^^^^^^ ^    ^^^^ reference
  let [g, h] = [c, e];
//     ^  ^ definition.variable
//              ^  ^ reference
  for (const i of rest) write(i, d, path.join(f));
//           ^ definition.variable
//                ^^^^  ^^^^^ ^     ^^^^      ^ reference
//                               ^ reference.free
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
  i;
//^ reference.free
  const add = (x, y) => x + y + unknown;
//             ^  ^ definition.parameter
//      ^^^ definition.variable
//                      ^   ^ reference
//                              ^^^^^^^ reference.free
//            ^^^^^^^^^^^^^^^^^^^^^^^^^ scope
  try { load(add); } catch (error) { throw error; }
//                          ^^^^^ definition.parameter
//      ^^^^ ^^^                           ^^^^^ reference
//    ^^^^^^^^^^^^^^ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                                 ^^^^^^^^^^^^^^^^ scope
  return { g, key: h, fs };
//         ^       ^  ^^ reference
}

function earlier(k) {
//       ^^^^^^^ definition.function
//               ^ definition.parameter
// <-> scope
//                  ^> scope
  const named = function self(n) { return self(n - 1); };
//                       ^^^^ definition.function
//                            ^ definition.parameter
//      ^^^^^ definition.variable
//                                        ^^^^ ^ reference
//              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                               ^^^^^^^^^^^^^^^^^^^^^^^ scope
  return z => z + named + k + self;
//       ^ definition.parameter
//            ^   ^^^^^   ^ reference
//                            ^^^^ reference.free
//       ^^^^^^^^^^^^^^^^^^^^^^^^^ scope
}

class Point {
//    ^^^^^ definition.class
// <-> scope
  get(limit) { return limit + get(); }
//    ^^^^^ definition.parameter
//                    ^^^^^ reference
//                            ^^^ reference.free
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//           ^^^^^^^^^^^^^^^^^^^^^^^^^ scope
}
