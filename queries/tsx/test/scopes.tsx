import { Panel } from "./panel";
//       ^^^^^ definition.import

interface Props { name: string; }
//        ^^^^^ definition.interface
// <- scope

export const Greeting = ({ name, ...rest }: Props, ref: Ref) => {
//                                                 ^^^ definition.parameter
//           ^^^^^^^^      ^^^^     ^^^^ definition.variable
//                                          ^^^^^ reference
//                                                      ^^^ reference.free
//                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                                                              ^> scope
  const count = 1;
//      ^^^^^ definition.variable
  return <Panel ref={ref} title={name} {...rest}>{count + missing}</Panel>;
//        ^^^^^      ^^^         ^^^^      ^^^^   ^^^^^             ^^^^^ reference
//                                                        ^^^^^^^ reference.free
};
