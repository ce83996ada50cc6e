/** A shape. */
class Shape {
// <-> type documented
    Shape() {}
//  ^^^^^^^^^^ function empty

    /** Its area. */
    int area() {
//              ^> body
//  ^^^^^^^^^^^^> function documented empty
        throw new UnsupportedOperationException("later");
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
    }

    int sides(int[] all) {
//                        ^> body
//  ^^^^^^^^^^^^^^^^^^^^^^> function
        for (int side : all) {
//      ^^^^^^^^^^^^^^^^^^^^^^> loop
            print(side);
        }
        return 0;
    }
}
