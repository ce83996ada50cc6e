// a comment
// <- comment
// <-> units
fun sum(): Int {
//             ^> units
    val name = "text"
//             ^^^^^^ string
    return 1
}
