protocol Shop {
// <-> definition.interface
//       ^^^^ name
    func sum(start: Money) -> Money
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//       ^^^                  ^^^^^ name
}
class Cart: Base {
// <-> definition.class
//    ^^^^ name
    var total: Int = 0
//  ^^^^^^^^^^^^^^^^^^ definition.field
//      ^^^^^ name
    func sum(start: Money) -> Money {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.method
//       ^^^                  ^^^^^ name
        return start
    }
}
enum Color {
// <-> definition.class
//   ^^^^^ name
    case red
//  ^^^^^^^^ definition.variant
//       ^^^ name
}
func free(x: Int) -> Int { return x }
// <- definition.function
//   ^^^^            ^^^ name
