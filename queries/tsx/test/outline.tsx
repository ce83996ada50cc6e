interface Props { name: string; }
//                ^^^^^^^^^^^^ definition.field
// <- definition.interface
//        ^^^^^   ^^^^ name

export function Greeting({ name }: Props) {
//     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.function
//              ^^^^^^^^ name
  return <p>Hello {name}</p>;
}

export const App: FC<Props> = (props) => <Greeting {...props} />;
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.function
//           ^^^ name

class Panel extends Component<Props> {
// <-> definition.class
//    ^^^^^ name
  state = {};
//^^^^^^^^^^ definition.field
//^^^^^ name
  render() { return <App name="x" />; }
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//^^^^^^ name
}
