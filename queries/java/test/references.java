class Point extends Base implements Shape {
//                  ^^^^            ^^^^^ type
//    ^^^^^ value
    @Override
//   ^^^^^^^^ type
    Result get(Other other) {
//  ^^^^^^     ^^^^^ type
//         ^^^       ^^^^^ value
        int total = this.limit + compute(other.size());
//                               ^^^^^^^       ^^^^ call
//                       ^^^^^ member
//          ^^^^^                        ^^^^^ value
        return Helper.join(new Pair(total), Point::make);
//                    ^^^^                         ^^^^ call
//                             ^^^^ type
//             ^^^^^^               ^^^^^   ^^^^^ value
    }
}
