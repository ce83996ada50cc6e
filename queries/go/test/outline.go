package main

import "fmt"

const Limit = 10
//    ^^^^^^^^^^ definition.constant
//    ^^^^^ name

const (
    A = iota
//  ^^^^^^^^ definition.constant
//  ^ name
    B
//  ^ definition.constant
//  ^ name
)

var count int
//  ^^^^^^^^^ definition.variable
//  ^^^^^ name

var (
    first  = 1
//  ^^^^^^^^^^ definition.variable
//  ^^^^^ name
    second string
//  ^^^^^^^^^^^^^ definition.variable
//  ^^^^^^ name
)

type Point struct {
//   ^^^^^^^^^^^^^^> definition.struct
//   ^^^^^ name
    X, Y float64
//  ^^^^^^^^^^^^ definition.field
//  ^  ^ name
    Name string
//  ^^^^^^^^^^^ definition.field
//  ^^^^ name
}

type Shape interface {
//   ^^^^^^^^^^^^^^^^^> definition.interface
//   ^^^^^ name
    Area(scale float64) float64
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//  ^^^^ name
    fmt.Stringer
}

type Meters float64
//   ^^^^^^^^^^^^^^ definition.type
//   ^^^^^^ name
type Alias = Point
//   ^^^^^^^^^^^^^ definition.type
//   ^^^^^ name

func free(a int) int {
// <-> definition.function
//   ^^^^ name
    local := 1
    return local + a
}

func (p *Point) Area(scale float64) float64 {
// <-> definition.method
//              ^^^^ name
    return p.X * scale
}
