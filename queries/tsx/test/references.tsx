const view: View = <Panel title={name}><Item of={compute(a.b)} /></Panel>;
//                                               ^^^^^^^ call
//                                                         ^ member
//          ^^^^    ^^^^^               ^^^^ type
//    ^^^^                       ^^^^                    ^         ^^^^^ value
