class Cart(val owner: String) : Base() {
// <-> definition.class
//         ^^^^^^^^^^^^^^^^^ definition.field
//    ^^^^     ^^^^^ name
    val total: Int = 0
//  ^^^^^^^^^^^^^^^^^^ definition.field
//      ^^^^^ name
    fun sum(start: Money): Money {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.method
//      ^^^ name
        return start
    }
}
object Shop
// <- definition.class
//     ^^^^ name
enum class Color { RED, GREEN }
// <- definition.class
//                 ^^^  ^^^^^ definition.variant
//         ^^^^^   ^^^  ^^^^^ name
fun free(x: Int): Int = x
// <- definition.function
//  ^^^^ name
