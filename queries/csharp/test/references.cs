class Cart : Base {
//           ^^^^ type
//    ^^^^ value
    Money Sum(Money start) {
//  ^^^^^     ^^^^^ type
//        ^^^       ^^^^^ value
        var other = new Money(1);
//                      ^^^^^ type
//          ^^^^^ value
        List<Item> items = start.Parts;
//                               ^^^^^ member
//      ^^^^ ^^^^ type
//                 ^^^^^   ^^^^^ value
        return Helper.Plus(Compute(other));
//                    ^^^^ ^^^^^^^ call
//             ^^^^^^              ^^^^^ value
    }
}
