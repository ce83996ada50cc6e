class Point extends Base implements Shape {
//    ^^^^^         ^^^^            ^^^^^ type
  get(a: Other): Result<Item> {
//       ^^^^^   ^^^^^^ ^^^^ type
//    ^ value
    const b = new Thing(a);
//                ^^^^^ type
//        ^             ^ value
    return this.parts.join(compute(b)) as Result<Item>;
//                    ^^^^ ^^^^^^^ call
//              ^^^^^ member
//                                        ^^^^^^ ^^^^ type
//                                 ^ value
  }
}
