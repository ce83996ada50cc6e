class Cart {
//    ^^^^ definition.class
// <-> scope
    int Sum(int start) {
//              ^^^^^ definition.parameter
//  ^^^^^^^^^^^^^^^^^^^^> scope
//                     ^> scope
        var total = start;
//          ^^^^^ definition.variable
//                  ^^^^^ reference
        foreach (var item in items) {
//                   ^^^^ definition.variable
//                           ^^^^^ reference.free
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                                  ^> scope
            total = total + item.Price;
//          ^^^^^   ^^^^^   ^^^^ reference
        }
        return total;
//             ^^^^^ reference
    }
}
