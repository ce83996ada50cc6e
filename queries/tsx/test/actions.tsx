export const App = (props: { name: string }) => {
//                                               ^> body
//     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> function
    for (let i = 0; i < 3; i++) {
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> loop
        print(i);
    }
    return <b>{props.name}</b>;
};
function Empty() {}
// <- function empty
