use std::fmt;
//  ^^^ type
//       ^^^ value

impl fmt::Display for Point {
//   ^^^  ^^^^^^^     ^^^^^ type
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
//                          ^^^^^^^^^         ^^^  ^^^^^^ type
//     ^^^        ^^^                  ^ value
        let Point { x, .. } = self;
//          ^^^^^ type
//                  ^ value
        write!(out, "{}", x)?;
//      ^^^^^ macro
//             ^^^        ^ value
        self.name.trim().parse::<u8>();
//                ^^^^   ^^^^^ call
//           ^^^^ member
        Self::make(LIMIT, Shape::Empty);
//            ^^^^ call
//      ^^^^              ^^^^^ type
//                 ^^^^^         ^^^^^ value
        helper(Pair { left: 1 })
//      ^^^^^^ call
//                    ^^^^ member
//             ^^^^ type
    }
}
