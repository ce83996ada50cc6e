func sum(start: Int) -> Int {
//   ^^^ definition.function
//       ^^^^^ definition.parameter
//              ^^^     ^^^ reference.free
// <-> scope
    let total = start + limit
//      ^^^^^ definition.variable
//              ^^^^^ reference
//                      ^^^^^ reference.free
    use(item: total.price)
//            ^^^^^ reference
//  ^^^ reference.free
    return total
//         ^^^^^ reference
}
