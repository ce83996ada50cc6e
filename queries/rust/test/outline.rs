mod inner {
// <-> definition.module
//  ^^^^^ name
    pub fn free<T>(a: T) -> T {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.function
//         ^^^^ name
        fn local() {}
//      ^^^^^^^^^^^^^ definition.function
//         ^^^^^ name
        a
    }
}

struct Point { x: f32, y: f32 }
//             ^^^^^^  ^^^^^^ definition.field
// <- definition.struct
//     ^^^^^   ^       ^ name
struct Wrapper(u8);
// <- definition.struct
//     ^^^^^^^ name
enum Shape {
// <-> definition.enum
//   ^^^^^ name
    Empty,
//  ^^^^^ definition.variant
//  ^^^^^ name
    Circle { radius: f32 },
//           ^^^^^^^^^^^ definition.field
//  ^^^^^^^^^^^^^^^^^^^^^^ definition.variant
//  ^^^^^^   ^^^^^^ name
}
union Bits { int: u32, float: f32 }
//           ^^^^^^^^  ^^^^^^^^^^ definition.field
// <- definition.union
//    ^^^^   ^^^       ^^^^^ name
type Alias<T> = Vec<T>;
// <- definition.type
//   ^^^^^ name
const LIMIT: usize = 10;
// <- definition.constant
//    ^^^^^ name
static mut COUNT: u32 = 0;
// <- definition.variable
//         ^^^^^ name

trait Area {
// <-> definition.trait
//    ^^^^ name
    type Unit;
//  ^^^^^^^^^^ definition.type
//       ^^^^ name
    const SIDES: u8;
//  ^^^^^^^^^^^^^^^^ definition.constant
//        ^^^^^ name
    fn area(&self) -> f32;
//  ^^^^^^^^^^^^^^^^^^^^^^ definition.method
//     ^^^^ name
    fn double(&self) -> f32 { self.area() * 2.0 }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//     ^^^^^^ name
}

impl<T> Area for Vec<T> {
// <-> definition.implementation
//               ^^^^^^ name
    fn area(&self) -> f32 { 0.0 }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//     ^^^^ name
}

macro_rules! square {
// <-> definition.macro
//           ^^^^^^ name
    ($x:expr) => { $x * $x };
}

extern "C" {
    fn sqrt(x: f64) -> f64;
//  ^^^^^^^^^^^^^^^^^^^^^^^ definition.function
//     ^^^^ name
}
