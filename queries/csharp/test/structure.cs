class Cart {
// <-> units
//         ^> units
    // a comment
//  ^^^^^^^^^^^^ comment
    int Sum() {
//            ^> units
        var name = "text";
//                 ^^^^^^ string
        return 1;
    }
}
