use std::{collections::HashMap, fmt::Display as Show};
//                                              ^^^^ definition.import
//  ^^^   ^^^^^^^^^^^           ^^^ reference.free
use std::io;
//  ^^^ reference.free

struct Point<T> { x: T }
//     ^^^^^ definition.struct
//           ^ definition.type
//                   ^ reference
// <- scope

const LIMIT: usize = 3;
//    ^^^^^ definition.constant

fn later() -> Option<Point<u8>> {
// ^^^^^ definition.function
//                   ^^^^^ reference
//            ^^^^^^ reference.free
// <-> scope
//                              ^> scope
    earlier(LIMIT, io::stdout())
//  ^^^^^^^ ^^^^^ reference
//                 ^^ reference.free
}

fn earlier<W: Show>(limit: usize, writer: W) -> Option<Point<u8>> {
// ^^^^^^^ definition.function
//                  ^^^^^         ^^^^^^ definition.parameter
//         ^ definition.type
//            ^^^^                        ^            ^^^^^ reference
//                                              ^^^^^^ reference.free
// <-> scope
//                                                                ^> scope
    let map: HashMap<u8, u8> = HashMap::new();
//      ^^^ definition.variable
//           ^^^^^^^           ^^^^^^^ reference.free
    let limit = limit + 1;
//      ^^^^^ definition.variable
//              ^^^^^ reference
    let (a, mut b) = (limit, map.len());
//       ^      ^ definition.variable
//                    ^^^^^  ^^^ reference
    if let Some(c) = map.get(&0) {
//              ^ definition.variable
//                   ^^^ reference
//         ^^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                               ^> scope
        b += *c as usize;
//      ^     ^ reference
    }
    c();
//  ^ reference.free
    for i in 0..a {
//      ^ definition.variable
//              ^ reference
//  ^^^^^^^^^^^^^^^> scope
//                ^> scope
        b += i;
//      ^    ^ reference
    }
    let add = |d: u8, e| d + e;
//             ^      ^ definition.parameter
//      ^^^ definition.variable
//                       ^   ^ reference
//            ^^^^^^^^^^^^^^^^ scope
    match writer {
//        ^^^^^^ reference
        Ok(f) => f,
//         ^ definition.variable
//               ^ reference
//      ^^ reference.free
//      ^^^^^^^^^^^ scope
        LIMIT => Point { x: add(1, 2) },
//      ^^^^^    ^^^^^      ^^^ reference
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
        g => unknown(g, b),
//      ^ definition.variable
//                   ^  ^ reference
//           ^^^^^^^ reference.free
//      ^^^^^^^^^^^^^^^^^^^ scope
    }
}

impl<T> Point<T> {
//   ^ definition.type
//      ^^^^^ ^ reference
// <-> scope
    fn new(x: T) -> Self { Self { x } }
//         ^ definition.parameter
//            ^                   ^ reference
//                  ^^^^   ^^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                       ^^^^^^^^^^^^^^ scope
    fn get(&self) -> &T { new(); &self.x }
//                    ^ reference
//                        ^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                      ^^^^^^^^^^^^^^^^^^ scope
}

fn borrowed<'later>(text: &'later str) {
// ^^^^^^^^ definition.function
//                  ^^^^ definition.parameter
// <-> scope
//                                     ^> scope
    'later: loop {
//               ^> scope
        break 'later;
    }
}
