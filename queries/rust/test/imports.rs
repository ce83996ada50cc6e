use alone;
//  ^^^^^  | alone | -
use std::collections::HashMap;
//                    ^^^^^^^ std::collections | HashMap | -
use crate::a::{b, c::d, self, e::{f as g, h}};
//             ^ crate::a | b | -
//                   ^ crate::a::c | d | -
//                                ^ crate::a::e | f | g
//                                        ^ crate::a::e | h | -
use super::deep as shallow;
//         ^^^^ super | deep | shallow
use pilot::prelude::*;
//  ^^^^^^^^^^^^^^ pilot::prelude | * | -
pub use inner::Thing;
//             ^^^^^ inner | Thing | -
