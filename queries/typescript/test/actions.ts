interface Point {
// <-> type
    x: number;
}

/** A kind. */
export enum Kind {
//     ^^^^^^^^^^^> type documented
    A,
}

type Name = string;
// <- type

abstract class Shape {
// <-> type
    abstract area(): number;
    name(): string {
//                  ^> body
//  ^^^^^^^^^^^^^^^^> function empty
        throw new Error(`Not implemented`);
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
    }
    async all(): Promise<void> {
//                              ^> body
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^> function empty
        throw new Error("TODO: all");
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
    }
}
