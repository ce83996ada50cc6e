class Cart {
//         ^> block
// <-> units
//         ^> units
    // a comment
//  ^^^^^^^^^^^^ comment
    int Sum() {
//            ^> block
//            ^> units
        var name = "text";
//                 ^^^^^^ string
        return 1;
    }
}
