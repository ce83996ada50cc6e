// a comment
// <- comment
// <-> units
func sum() -> Int {
//                ^> block
    let name = "text"
//             ^^^^^^ string
//  ^^^^^^^^^^^^^^^^^> units
    return 1
}
