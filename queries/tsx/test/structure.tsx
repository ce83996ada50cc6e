// A greeting.
// <- comment
// <-> units
export function Greeting({ name }: Props) {
// <-> unit
//     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> unit
//                                        ^> units
  const style = "bold";
//              ^^^^^^ string
//^^^^^^^^^^^^^^^^^^^^^ unit
  return (
//^^^^^^^^> unit
    <p className={style}>
      {list.map((item) => { return <b key="k">{item}</b>; })}
//                                        ^^^ string
//                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
    </p>
  );
}
