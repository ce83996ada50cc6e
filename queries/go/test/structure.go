package main
// <- unit
// <-> units

import (
//     ^> block
// <-> unit
//     ^> units
    "fmt"
//  ^^^^^ string
    str "strings"
//      ^^^^^^^^^ string
)

// A Point.
// <- comment
type Point struct {
// <-> block
//                ^> block
// <-> unit
//   ^^^^^^^^^^^^^^> unit
//                ^> units
    X int // across
//        ^^^^^^^^^ comment
//  ^^^^^ unit
    Y int
//  ^^^^^ unit
}

type Shape interface {
// <-> block
//         ^^^^^^^^^^^> block
// <-> unit
//   ^^^^^^^^^^^^^^^^^> unit
//         ^^^^^^^^^^^> units
    Area() int
//  ^^^^^^^^^^ unit
}

const (
// <-> block
// <-> unit
    A = 'a'
//      ^^^ string
//  ^^^^^^^ unit
    B = `b`
//      ^^^ string
//  ^^^^^^^ unit
)

func main() {
//          ^> block
// <-> unit
    if x := 1; x > 0 {
//                   ^> block
//     ^^^^^^ part
//  ^^^^^^^^^^^^^^^^^^> unit
//     ^^^^^^ unit
//  ^^^^^^^^^^^^^^^^^^> units
        fmt.Println("x")
//                  ^^^ string
//      ^^^^^^^^^^^^^^^^ unit
//      ^^^^^^^^^^^^^^^^ units
    }
    switch A {
//  ^^^^^^^^^^> block
//  ^^^^^^^^^^> unit
    case 'a':
//       ^^^ string
//  ^^^^^^^^^> unit
        return
//      ^^^^^^ unit
//      ^^^^^^ units
    default:
//  ^^^^^^^^> unit
        go func() { str.ToUpper("y") }()
//                ^^^^^^^^^^^^^^^^^^^^ block
//                              ^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                  ^^^^^^^^^^^^^^^^ unit
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                  ^^^^^^^^^^^^^^^^ units
    }
}

func wait() {
//          ^> block
// <-> unit
    for i := 0; i < 3; i++ {
//                         ^> block
//      ^^^^^^         ^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^> unit
//      ^^^^^^         ^^^ unit
//  ^^^^^^^^^^^^^^^^^^^^^^^^> units
        select {
//      ^^^^^^^^> block
//      ^^^^^^^^> unit
//      ^^^^^^^^> units
        case c <- i:
//           ^^^^^^ part
//      ^^^^^^^^^^^^> unit
//           ^^^^^^ unit
            return
//          ^^^^^^ unit
//          ^^^^^^ units
        }
    }
}
