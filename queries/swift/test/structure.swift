// a comment
// <- comment
// <-> units
func sum() -> Int {
    let name = "text"
//             ^^^^^^ string
//  ^^^^^^^^^^^^^^^^^> units
    return 1
}
