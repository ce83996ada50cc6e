class Cart: Base {
//    ^^^^  ^^^^ type
    func sum(start: Money) -> Result<Item> {
//                  ^^^^^     ^^^^^^ ^^^^ type
//       ^^^ ^^^^^ value
        let other = Money(1)
//                  ^^^^^ call
//          ^^^^^ value
        return Helper.plus(compute(other), start.parts)
//                    ^^^^ ^^^^^^^ call
//                                               ^^^^^ member
//             ^^^^^^              ^^^^^   ^^^^^ value
    }
}
