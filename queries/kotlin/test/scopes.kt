fun sum(start: Int): Int {
//  ^^^ definition.function
//      ^^^^^ definition.parameter
//             ^^^   ^^^ reference.free
// <-> scope
//                       ^> scope
    val total = start + limit
//      ^^^^^ definition.variable
//              ^^^^^ reference
//                      ^^^^^ reference.free
    for (item in items) {
//       ^^^^ definition.variable
//               ^^^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^> scope
//                      ^> scope
        use(item.price, total)
//          ^^^^        ^^^^^ reference
//      ^^^ reference.free
    }
    return total
//         ^^^^^ reference
}
