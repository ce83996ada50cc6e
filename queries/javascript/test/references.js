class Point extends Base {
//                  ^^^^ type
//    ^^^^^ value
  get(a) {
//    ^ value
    const b = new Thing(a, { limit });
//                ^^^^^ type
//        ^             ^    ^^^^^ value
    return this.parts.join(compute(b));
//                    ^^^^ ^^^^^^^ call
//              ^^^^^ member
//                                 ^ value
  }
}
const view = <Panel title={name}><Item /></Panel>;
//            ^^^^^               ^^^^ type
//    ^^^^                 ^^^^            ^^^^^ value
