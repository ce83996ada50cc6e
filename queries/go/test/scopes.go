package main

import f "fmt"
//     ^ definition.import

import "net/http"
//      ^^^^^^^^ definition.import

const Limit = 10
//    ^^^^^ definition.constant

var count int
//  ^^^^^ definition.variable
//        ^^^ reference.free

type Point[T any] struct {
//   ^^^^^ ^ definition.type
//           ^^^ reference.free
//   ^^^^^^^^^^^^^^^^^^^^^> scope
    X T
//    ^ reference
}

func later(a, b int, rest ...string) (err error) {
//   ^^^^^ definition.function
//         ^  ^      ^^^^             ^^^ definition.parameter
//              ^^^          ^^^^^^       ^^^^^ reference.free
// <-> scope
//                                               ^> scope
    c := a + Limit
//  ^ definition.variable
//       ^   ^^^^^ reference
    for i, r := range rest {
//      ^  ^ definition.variable
//                    ^^^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                         ^> scope
        earlier(r, i, Point[int]{X: c})
//      ^^^^^^^ ^  ^  ^^^^^         ^ reference
//                          ^^^ reference.free
    }
    if d := b; d > count {
//     ^ definition.variable
//          ^  ^   ^^^^^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^> scope
//                       ^> scope
        return unknown(d)
//                     ^ reference
//             ^^^^^^^ reference.free
    }
    d()
//  ^ reference.free
    switch v := any(c).(type) {
//         ^ definition.variable
//                  ^ reference
//              ^^^ reference.free
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
    case int:
//       ^^^ reference.free
//  ^^^^^^^^^> scope
        f.Println(v, http.Get)
//      ^         ^  ^^^^ reference
    }
    g := func(h int) int { return h }
//            ^ definition.parameter
//  ^ definition.variable
//                                ^ reference
//              ^^^  ^^^ reference.free
//       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ scope
//                       ^^^^^^^^^^^^ scope
    return err
//         ^^^ reference
}

func earlier(s string, i int, p Point[int]) {}
//   ^^^^^^^ definition.function
//           ^         ^      ^ definition.parameter
//                              ^^^^^ reference
//             ^^^^^^    ^^^          ^^^ reference.free
// <- scope
//                                          ^^ scope

func (p *Point[T]) Get() T {
//    ^ definition.parameter
//             ^ definition.type
//       ^^^^^           ^ reference
// <-> scope
//                         ^> scope
    return p.X
//         ^ reference
}

var keyed = map[int]Point[int]{Limit: {X: 1}}
//  ^^^^^ definition.variable
//                  ^^^^^      ^^^^^ reference
//              ^^^       ^^^ reference.free
var placed = [...]int{Limit: 1}
//  ^^^^^^ definition.variable
//                    ^^^^^ reference
//                ^^^ reference.free
