//! Keys of Go's literals, and fields that are called as what they embed.

use super::*;

#[tokio::test]
async fn constants_and_parameters_as_keys() {
    let files = r#"//- kind.go
package kind

type Kind int

const KindA Kind = 1

type Names map[Kind]string
type Point struct{ KindA string }

var names = map[Kind]string{KindA: "a"}
var list = [...]string{KindA: "a"}
var own = Names{KindA: "a"}
var point = Point{KindA: "a"}
var points = []Point{{KindA: "a"}}

func one(key string) map[string]int { return map[string]int{key: 1} }
"#;
    let expected = r#"+++ b/kind.go
-var names = map[Kind]string{KindA: "a"}
-var list = [...]string{KindA: "a"}
+var names = map[Kind]string{KindB: "a"}
+var list = [...]string{KindB: "a"}
? kind.go:12 it may be the key of a map or an array
"#;
    assert_eq!(carried(files, "const KindA", "const KindB").await, expected);
    let expected = "+++ b/kind.go\n-func one(name string) map[string]int { return map[string]int{key: 1} }\n\
        +func one(name string) map[string]int { return map[string]int{name: 1} }\n";
    assert_eq!(carried(files, "key string", "name string").await, expected);
    let expected = "+++ b/kind.go\n-var point = Point{KindA: \"a\"}\n-var points = []Point{{KindA: \"a\"}}\n\
        +var point = Point{First: \"a\"}\n+var points = []Point{{First: \"a\"}}\n\
        ? kind.go:12 the type of the literal is not known\n";
    assert_eq!(carried(files, "struct{ KindA", "struct{ First").await, expected);
}

/// Go does not write which interface a type implements.
#[tokio::test]
async fn methods_of_an_interface() {
    let files = r#"//- shape.go
package geo

type Shape interface{ EdgeSum() int }
type Square struct{}
type Cube struct{}

func (s Square) EdgeSum() int { return 1 }
func (c Cube) EdgeSum() int { return 1 }

func use(s Shape, q Square) int { return s.EdgeSum() + q.EdgeSum() }
"#;
    let doubt = "it may be the same method of an interface";
    let expected = format!(
        "+++ b/shape.go\n-func use(s Shape, q Square) int {{ return s.EdgeSum() + q.EdgeSum() }}\n\
        +func use(s Shape, q Square) int {{ return s.Rim() + q.EdgeSum() }}\n\
        ? shape.go:7 {doubt}\n? shape.go:8 {doubt}\n? shape.go:10 {doubt}\n"
    );
    assert_eq!(carried(files, "EdgeSum", "Rim").await, expected);
    let expected = format!(
        "+++ b/shape.go\n-func use(s Shape, q Square) int {{ return s.EdgeSum() + q.EdgeSum() }}\n\
        +func use(s Shape, q Square) int {{ return s.EdgeSum() + q.Rim() }}\n\
        ? shape.go:3 {doubt}\n? shape.go:10 {doubt}\n"
    );
    assert_eq!(carried(files, "(s Square) EdgeSum", "(s Square) Rim").await, expected);
}

#[tokio::test]
async fn a_field_is_called_as_the_type_that_it_embeds() {
    let files = r#"//- geo/geo.go
package geo

type Shape struct{ Corners int }
type Box struct{ *Shape }
type Other struct{ Shape int }

func use(b Box, o Other) int {
	made := Box{Shape: &Shape{}}
	other := Other{Shape: 1}
	return b.Shape.Corners + o.Shape + made.Shape.Corners
}
"#;
    let expected = r#"+++ b/geo/geo.go
-type Box struct{ *Shape }
+type Box struct{ *Form }
-	made := Box{Shape: &Shape{}}
+	made := Box{Form: &Form{}}
-	return b.Shape.Corners + o.Shape + made.Shape.Corners
+	return b.Form.Corners + o.Shape + made.Form.Corners
"#;
    assert_eq!(carried(files, "type Shape", "type Form").await, expected);
}
