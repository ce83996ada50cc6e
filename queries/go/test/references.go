package a

func (p *Point) Get(o Other) Result {
//              ^^^ member
//       ^^^^^        ^^^^^  ^^^^^^ type
//    ^             ^ value
	total := p.Limit + compute(o.Size)
//                  ^^^^^^^ call
//          ^^^^^             ^^^^ member
// <- value
//        ^                 ^ value
	return pkg.Join(total, Pair{Left: 1})
//          ^^^^ call
//                      ^^^^ type
//      ^^^      ^^^^^       ^^^^ value
}
