package geo

// Point is a place.
type Point struct {
// <-> type documented
	X int
}

// Add adds.
func Add(a, b int) int {
//                      ^> body
// <-> function documented
	return a + b
}

func (p Point) Area() int {
//                         ^> body
// <-> function empty
	panic("not implemented")
// <- placeholder
}

func empty() {}
// <- function empty

func other() {
//            ^> body
// <-> function
	panic("no such thing")
}
