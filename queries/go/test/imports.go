package a

import "fmt"
//     ^^^^^ fmt | * | -

import (
	"net/http"
// <- net/http | * | -
	alias "example.com/a/b"
//     ^^^^^^^^^^^^^^^^^ example.com/a/b | * | alias
	. "example.com/dot"
// ^^^^^^^^^^^^^^^^^ example.com/dot | * | -
)
