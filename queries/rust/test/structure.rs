#![allow(dead_code)]
// <- unit.prefix
// <-> units

/// A point.
// <- comment
#[derive(Clone)]
// <- unit.prefix
struct Point {
// <-> unit
//           ^> units
    x: f32, // across
//          ^^^^^^^^^ comment
//  ^^^^^^ unit
    y: f32,
//  ^^^^^^ unit
}

enum Shape {
// <-> unit
//         ^> units
    Empty,
//  ^^^^^ unit
    #[default]
//  ^^^^^^^^^^ unit.prefix
    Circle { radius: f32 },
//  ^^^^^^^^^^^^^^^^^^^^^^ unit
//           ^^^^^^^^^^^ unit
//         ^^^^^^^^^^^^^^^ units
}

impl Point {
// <-> unit
//         ^> units
    fn name(&self) -> &'static str {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> unit
//                                 ^> units
        let a = 'a';
//              ^^^ string
//      ^^^^^^^^^^^^ unit
        match a {
//      ^^^^^^^^^> unit
//              ^> units
            'b' => "b",
//          ^^^    ^^^ string
//          ^^^^^^^^^^^ unit
            _ => { "c" }
//                 ^^^ string
//          ^^^^^^^^^^^^ unit
//               ^^^^^^^ units
        }
    }
}

fn main() {
// <-> unit
//        ^> units
    for i in 0..3 {
//  ^^^^^^^^^^^^^^^> unit
//                ^> units
        println!("{i}");
//               ^^^^^ string
//      ^^^^^^^^^^^^^^^^ unit
    }
    vec_of! { 1, 2 }
    /* last */ r"raw"
//  ^^^^^^^^^^ comment
//             ^^^^^^ string
}
