/** Adds. */
export function add(a, b) {
//                         ^> body
//     ^^^^^^^^^^^^^^^^^^^^> function documented
    return a + b;
}

function planned() {
//                  ^> body
// <-> function empty
    // The sum.
    throw new Error('not implemented');
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
}

const later = (a) => {
//                    ^> body
// <-> function
    throw new Error("Something else");
};

class Shape {
// <-> type
    /** Its area. */
    area() {}
//  ^^^^^^^^^ function documented empty

    name() {
//          ^> body
//  ^^^^^^^^> function
        for (const side of this.sides) {
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> loop
            console.log(side);
        }
        fetch("x").then((answer) => answer.json());
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ callback
        read("x", (err, data) => print(data));
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ callback
    }
}
