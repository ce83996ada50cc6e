class Cart : Base() {
//           ^^^^ type
//    ^^^^ value
    fun sum(start: Money): Result<Item> {
//                 ^^^^^   ^^^^^^ ^^^^ type
//      ^^^ ^^^^^ value
        val other = Money(1)
//                  ^^^^^ call
//          ^^^^^ value
        return Helper.plus(compute(other), start.parts)
//                    ^^^^ ^^^^^^^ call
//                                               ^^^^^ member
//             ^^^^^^              ^^^^^   ^^^^^ value
    }
}
