#![allow(dead_code)]
// <- unit.prefix
// <-> units

/// A point.
// <- comment
#[derive(Clone)]
// <- unit.prefix
struct Point {
//           ^> block
// <-> unit
//           ^> units
    x: f32, // across
//          ^^^^^^^^^ comment
//  ^^^^^^ unit
    y: f32,
//  ^^^^^^ unit
}

enum Shape {
//         ^> block
// <-> unit
//         ^> units
    Empty,
//  ^^^^^ unit
    #[default]
//  ^^^^^^^^^^ unit.prefix
    Circle { radius: f32 },
//         ^^^^^^^^^^^^^^^ block
//  ^^^^^^^^^^^^^^^^^^^^^^ unit
//           ^^^^^^^^^^^ unit
//         ^^^^^^^^^^^^^^^ units
}

impl Point {
//         ^> block
// <-> unit
//         ^> units
    fn name(&self) -> &'static str {
//                                 ^> block
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> unit
//                                 ^> units
        let a = 'a';
//              ^^^ string
//      ^^^^^^^^^^^^ unit
        match a {
//              ^> block
//      ^^^^^^^^^> unit
//              ^> units
            'b' => "b",
//          ^^^    ^^^ string
//          ^^^^^^^^^^^ unit
            _ => { "c" }
//               ^^^^^^^ block
//                 ^^^ string
//          ^^^^^^^^^^^^ unit
//               ^^^^^^^ units
        }
    }
}

fn main() {
//        ^> block
// <-> unit
//        ^> units
    for i in 0..3 {
//                ^> block
//  ^^^^^^^^^^^^^^^> unit
//                ^> units
        println!("{i}");
//               ^^^^^ string
//      ^^^^^^^^^^^^^^^^ unit
    }
    vec_of! { 1, 2 }
//          ^^^^^^^^ block
    /* last */ r"raw"
//  ^^^^^^^^^^ comment
//             ^^^^^^ string
}
