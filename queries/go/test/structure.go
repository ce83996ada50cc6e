package main
// <- unit
// <-> units

import (
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
// <-> unit
//   ^^^^^^^^^^^^^^^^^> unit
//         ^^^^^^^^^^^> units
    Area() int
//  ^^^^^^^^^^ unit
}

const (
// <-> unit
    A = 'a'
//      ^^^ string
//  ^^^^^^^ unit
    B = `b`
//      ^^^ string
//  ^^^^^^^ unit
)

func main() {
// <-> unit
    if x := 1; x > 0 {
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
//                              ^^^ string
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unit
//                  ^^^^^^^^^^^^^^^^ unit
//      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ units
//                  ^^^^^^^^^^^^^^^^ units
    }
}

func wait() {
// <-> unit
    for i := 0; i < 3; i++ {
//      ^^^^^^         ^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^> unit
//      ^^^^^^         ^^^ unit
//  ^^^^^^^^^^^^^^^^^^^^^^^^> units
        select {
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
