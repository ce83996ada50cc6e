/// Adds.
#[inline]
pub fn add(a: u32, b: u32) -> u32 {
//                                 ^> body
// <-> function documented
    a + b
}

fn empty() {}
// <- function empty

fn planned() -> u32 {
//                   ^> body
// <-> function empty
    // The sum.
    todo!()
//  ^^^^^^^ placeholder
}

pub struct Point {
// <-> type
    x: u32,
}

/** A trait. */
trait Shape {
// <-> type documented
    fn area(&self) -> u32;
    fn name(&self) -> String {
//                            ^> body
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^> function
        let name = unimplemented!("later");
//                 ^^^^^^^^^^^^^^^^^^^^^^^ placeholder
        name
    }
}

fn total(all: &[u32]) -> u32 {
//                            ^> body
// <-> function
    let mut sum = 0;
    for one in all {
//  ^^^^^^^^^^^^^^^^> loop
        sum += one;
    }
    if sum > 3 {
        todo!("large");
//      ^^^^^^^^^^^^^^^ placeholder
    }
    println!("{sum}");
    sum
}
