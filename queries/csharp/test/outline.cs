namespace Shop;
// <- definition.module
//        ^^^^ name

public class Cart : Base, IShop {
// <-> definition.class
//           ^^^^ name
    private int total, count;
//  ^^^^^^^^^^^^^^^^^^^^^^^^^ definition.field
//              ^^^^^  ^^^^^ name
    public string Name { get; set; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.field
//                ^^^^ name
    public Cart(int a) { total = a; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//         ^^^^ name
    public Money Sum(Money start) {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.method
//               ^^^ name
        int Local(int x) => x;
//      ^^^^^^^^^^^^^^^^^^^^^^ definition.function
//          ^^^^^ name
        return start;
    }
}
interface IShop { Money Sum(Money start); }
// <- definition.interface
//                ^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//        ^^^^^         ^^^ name
enum Color { Red, Green }
// <- definition.enum
//           ^^^  ^^^^^ definition.variant
//   ^^^^^   ^^^  ^^^^^ name
struct Point { public int X; }
//             ^^^^^^^^^^^^^ definition.field
// <- definition.struct
//     ^^^^^              ^ name
