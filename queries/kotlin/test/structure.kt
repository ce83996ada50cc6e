// a comment
// <- comment
// <-> units
fun sum(): Int {
//             ^> block
//             ^> units
    val name = "text"
//             ^^^^^^ string
    return 1
}
