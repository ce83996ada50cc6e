//! Signatures, calls and the rest as four languages write them.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Document, Language};

fn sites(language: Language, text: &str) -> Sites {
    Document::open(language, 0, text).snapshot().sites()
}

fn shown(language: Language, text: &str) -> String {
    let sites = sites(language, text);
    let mut out = String::new();
    for signature in &sites.signatures {
        let parameters = signature.parameters.iter().map(|it| {
            let optional = if it.optional { "?" } else { "" };
            let given = match it.given {
                Given::Either => "",
                Given::Place => "/",
                Given::Name => "=",
            };
            let of = it.type_text.as_deref().unwrap_or("-");
            format!("{}{optional}{given}: {of}", it.name)
        });
        let (receiver, rest) =
            (["", "self "][usize::from(signature.receiver)], ["", " rest"][usize::from(signature.rest)]);
        out += &format!("{} {receiver}[{}]{rest}\n", signature.name, parameters.collect::<Vec<_>>().join(", "));
    }
    for call in &sites.calls {
        let arguments = call.arguments.iter().map(|it| {
            let spread = if it.spread { "*" } else { "" };
            let name = it.name.clone().map_or(String::new(), |name| format!("<{}>", &text[name]));
            format!("{spread}{name}{}", &text[it.range.clone()])
        });
        out += &format!("{}({})\n", &text[call.name.clone()], arguments.collect::<Vec<_>>().join(" | "));
    }
    for key in &sites.keys {
        let of = key.value.as_ref().map_or(String::new(), |value| format!(" of {value}"));
        out +=
            &format!("{:?} {}{}{of}\n", key.owner, &text[key.range.clone()], ["", " too"][usize::from(key.shorthand)]);
    }
    for container in &sites.containers {
        out += &format!("{} of {:?}\n", container.name, container.bases);
    }
    for (kind, all) in [("typed", &sites.typed), ("member", &sites.members), ("returns", &sites.returns)] {
        for typed in all {
            out += &format!("{kind} {} {:?} {}\n", &text[typed.range.clone()], typed.by, typed.text);
        }
    }
    out
}

#[test]
fn rust() {
    let text = "struct A { x: u8 }\nimpl B for A { fn f(&mut self, (a, b): (u8, u8), mut c: C) -> D { let e = A { x: 1, y }; g::<u8>(a, self.h(b), /* c */ c); match e { A { x } => x } } }\n";
    insta::assert_snapshot!(shown(Language::Rust, text), @r#"
f self [(a, b): (u8, u8), c: C]
g(a | self.h(b) | c)
h(b)
Some("A") x
Some("A") y too
Some("A") x too
A of []
A of ["B"]
typed c Type C
typed e Value A { x: 1, y }
member x Type u8
returns f Type D
"#);
}

#[test]
fn python() {
    let text = "class A(B, C[D]):\n    x: int = 1\n    def f(self, a, /, b: int, c=1, *, d: str = '', **e) -> T:\n        self.y = Y()\n        return g(a, *b, c=c, **e)\n";
    insta::assert_snapshot!(shown(Language::Python, text), @r#"
f self [a/: -, b: int, c?: -, d?=: str] rest
Y()
g(a | **b | <c>c=c | ***e)
Some("g") c
A of ["B", "C[D]"]
typed x Type int
typed b Type int
typed d Type str
member x Type int
member y Value Y()
returns f Type T
"#);
}

#[test]
fn keys_of_typescript() {
    let text = "const { a, b: c, d = 1 } = e;\nfunction f({ g, h: { i } }: J, { k } = this): L { const { m } = this; return { n, o: 1 }; }\nconst p: Q = { r: { s: 1 }, t };\nconst u = [{ v } as W, { x: 1 } satisfies Y];\nconst z = ({ a }: B): C => ({ d });\nconst { g }: H = i();\n";
    insta::assert_snapshot!(shown(Language::TypeScript, text), @r#"
f [{ g, h: { i } }: J, { k }?: -]
z [{ a }: B]
i()
None a too of e
None b of e
None d too of e
Some("J") g too
Some("J") h
None i too
None k too
None m too of this
Some("L") n too
Some("L") o
Some("Q") r
None s
Some("Q") t too
Some("W") v too
Some("Y") x
Some("B") a too
Some("C") d too
Some("H") g too
typed p Type Q
typed u Value [{ v } as W, { x: 1 } satisfies Y]
typed z Value ({ a }: B): C => ({ d })
returns f Type L
"#);
}

#[test]
fn typescript() {
    let text = "class A extends B implements C {\n  x: number = 1;\n  f(a: string, b?: number, c = 1, ...d: string[]): T { const e: E = { a, b: 1 }; return new G(a, ...d); }\n}\nconst h = (a: A) => a.f('', 1);\ninterface I extends J { x: K; m(a: string): void }\n";
    insta::assert_snapshot!(shown(Language::TypeScript, text), @r#"
f [a: string, b?: number, c?: -] rest
h [a: A]
m [a: string]
G(a | *...d)
f('' | 1)
Some("E") a too
Some("E") b
A of ["B", "C"]
I of ["J"]
typed a Type string
typed b Type number
typed e Type E
typed h Value (a: A) => a.f('', 1)
typed a Type A
typed a Type string
member x Type number
member x Type K
returns f Type T
"#);
}

#[test]
fn go() {
    let text = "package a\ntype A struct { X int; B }\ntype I interface { M(a int) }\nfunc (r *A) F(a, b int, c ...string) error { d := &A{X: 1}; d.F(1, 2, c...); return nil }\nfunc g(int, string) {}\n";
    insta::assert_snapshot!(shown(Language::Go, text), @r#"
M [a: int]
F [a: int, b: int] rest
g [int: int, string: string]
F(1 | 2 | *c...)
Some("A") X
A of ["B"]
I of []
*A of []
typed a Type int
typed r Type *A
typed a Type int
typed b Type int
typed d Value &A{X: 1}
member X Type int
returns F Type error
"#);
}
