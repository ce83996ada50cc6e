package com.example;

import java.util.List;

public abstract class Point<T> extends Base implements Shape {
// <-> definition.class
//                    ^^^^^ name
    private int x = 0, y;
//  ^^^^^^^^^^^^^^^^^^^^^ definition.field
//              ^      ^ name
    static final int LIMIT = 10;
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.field
//                   ^^^^^ name

    static { init(); }

    public Point(int x) { this.x = x; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//         ^^^^^ name

    @Override
//  ^^^^^^^^^> definition.method
    public double area() { return x; }
//                ^^^^ name

    abstract void draw(List<T> onto);
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//                ^^^^ name

    enum Color { RED, GREEN(2) { } ; int code; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.enum
//                                   ^^^^^^^^^ definition.field
//               ^^^  ^^^^^^^^^^^^ definition.variant
//       ^^^^^   ^^^  ^^^^^              ^^^^ name

    interface Visitor { int DEPTH = 1; void visit(Point p); }
//                      ^^^^^^^^^^^^^^ definition.constant
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.interface
//                                     ^^^^^^^^^^^^^^^^^^^^ definition.method
//            ^^^^^^^       ^^^^^           ^^^^^ name

    record Pair(int a, int b) {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.class
//         ^^^^ name
        Pair { check(a); }
//      ^^^^^^^^^^^^^^^^^^ definition.constructor
//      ^^^^ name
    }

    @interface Marker { String value() default ""; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.interface
//                      ^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//             ^^^^^^          ^^^^^ name
}
