//! Tests of `structure`.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Document, Language};

/// The text without its `$0`, as a snapshot, and where the `$0` was.
fn fixture(language: Language, text: &str) -> (Snapshot, usize) {
    let at = text.find("$0").unwrap();
    (Document::open(language, 0, &text.replacen("$0", "", 1)).snapshot(), at)
}

/// The unit at `$0`: its text, and `…` behind it where it is not complete.
fn unit(language: Language, text: &str) -> String {
    let (snapshot, at) = fixture(language, text);
    snapshot
        .statement_at(at)
        .map_or("-".into(), |unit| snapshot.slice(unit.range) + if unit.complete { "" } else { "…" })
}

fn lexical(language: Language, text: &str) -> Option<CommentOrString> {
    let (snapshot, at) = fixture(language, text);
    snapshot.in_comment_or_string(at)
}

#[test]
fn rust_units() {
    let unit = |text| unit(Language::Rust, text);
    assert_eq!(unit("fn f() {\n    $0let a = 1;\n    b();\n}\n"), "let a = 1;");
    assert_eq!(
        unit("fn f() {\n$0\n    for x in y {\n        z();\n    }\n    b()\n}\n"),
        "for x in y {\n        z();\n    }"
    );
    assert_eq!(unit("fn f() {\n    a();\n    $0b.c()\n}\n"), "b.c()", "a tail expression");
    assert_eq!(unit("fn f() { let a = $0b.c(); d(); }"), "let a = b.c();", "begun before the cursor");
    assert_eq!(unit("struct A {\n    a: u8,\n    $0b: u8,\n}"), "b: u8,");
    assert_eq!(unit("fn f() { match x {\n  1 => 2,\n  $0_ => { 3 }\n} }"), "_ => { 3 }");
    assert_eq!(
        unit("$0/// Doc.\n#[derive(Debug)]\n// why\nstruct A;\n\nstruct B;"),
        "/// Doc.\n#[derive(Debug)]\n// why\nstruct A;"
    );
    assert_eq!(unit("$0// Alone.\n\nstruct A;"), "// Alone.");
    assert_eq!(unit("fn f() { a();$0 // of a\n b(); }"), "// of a");
    assert_eq!(unit("fn f() { f(1, $0/* c */ 2); }"), "f(1, /* c */ 2);");
    assert_eq!(unit("fn f() {\n    $0let a = 1\n    let b = 2;\n}\n"), "let a = 1…");
    assert_eq!(unit("struct A;\n$0\n"), "-");
    assert_eq!(super::tests::unit(Language::Plain, "a$0b"), "-");
}

#[test]
fn units_of_the_others() {
    assert_eq!(
        unit(Language::Python, "def f():\n    a = 1\n    $0if a:\n        b()\n    c()\n"),
        "if a:\n        b()"
    );
    assert_eq!(unit(Language::Python, "$0@d\ndef f():\n    pass\nx = 1\n"), "@d\ndef f():\n    pass");
    assert_eq!(unit(Language::Python, "class A:\n    $0x: int = 1\n    y = 2\n"), "x: int = 1");
    assert_eq!(
        unit(Language::Python, "match x:\n    case 1:\n        a()\n    $0case _:\n        b()\n"),
        "case _:\n        b()"
    );
    for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
        assert_eq!(unit(language, "f(() => {\n  $0return 1;\n});\n"), "return 1;");
        assert_eq!(unit(language, "class A {\n  $0b() { return 1 }\n  c() {}\n}"), "b() { return 1 }");
        assert_eq!(unit(language, "class A {\n  $0b = 1;\n  c() {}\n}"), "b = 1;");
        assert_eq!(unit(language, "switch (a) { case 1:\n $0b();\n break; }"), "b();");
        assert_eq!(unit(language, "switch (a) { $0case 1:\n b();\n break;\n default: }"), "case 1:\n b();\n break;");
        assert_eq!(unit(language, "switch (a) { case $01:\n b(); }"), "case 1:\n b();");
    }
    assert_eq!(unit(Language::TypeScript, "interface A {\n  $0b: string;\n  c(): void;\n}"), "b: string;");
    assert_eq!(unit(Language::TypeScript, "enum A {\n  B,\n  $0C = 2,\n}"), "C = 2,");
    assert_eq!(
        unit(Language::Go, "package a\nfunc f() {\n\t$0if x {\n\t\ty()\n\t}\n\tz()\n}\n"),
        "if x {\n\t\ty()\n\t}"
    );
    assert_eq!(unit(Language::Go, "package a\nimport (\n\t\"a\"\n\t$0b \"c\"\n)\n"), "b \"c\"");
    assert_eq!(unit(Language::Go, "package a\ntype A interface {\n\t$0B() int\n\tC()\n}\n"), "B() int");
    assert_eq!(
        unit(Language::C, "#ifdef A\n$0int b(void) { return 1; }\nint c;\n#endif\n"),
        "int b(void) { return 1; }"
    );
    assert_eq!(unit(Language::C, "$0#include <a.h>\n\nint b;\n"), "#include <a.h>");
    assert_eq!(unit(Language::C, "struct a {\n  int b;\n  $0int c;\n};"), "int c;");
    assert_eq!(unit(Language::C, "$0struct a { int b; };\nint c;"), "struct a { int b; };");
    assert_eq!(
        unit(Language::C, "void f(void) { for (int $0i = 0; i < 3; i++) g(); }"),
        "for (int i = 0; i < 3; i++) g();"
    );
    assert_eq!(unit(Language::Go, "package a\nfunc f() { if $0x := 1; x > 0 { y() } }"), "if x := 1; x > 0 { y() }");
    assert_eq!(unit(Language::Cpp, "class A {\n $0public:\n  A();\n  int b;\n};"), "public:\n  A();");
    assert_eq!(
        unit(Language::Cpp, "$0template <class T>\nT f(T a) { return a; }\nint b;"),
        "template <class T>\nT f(T a) { return a; }"
    );
    assert_eq!(
        unit(Language::Java, "class A {\n  $0@Override\n  int b() { return 1; }\n  int c;\n}"),
        "@Override\n  int b() { return 1; }"
    );
    assert_eq!(unit(Language::Java, "class A { void f() {\n  switch (x) { case 1:\n $0a(); b(); }\n } }"), "a();");
    assert_eq!(unit(Language::Java, "enum A {\n  B,\n  $0C(1);\n  int d;\n}"), "C(1)");
}

#[test]
fn comments_and_strings() {
    use CommentOrString::{Comment, String};
    let rust = |text| lexical(Language::Rust, text);
    assert_eq!(rust("// a$0\nstruct A;"), Some(Comment));
    assert_eq!(rust("/// a$0\nstruct A;"), Some(Comment));
    assert_eq!(rust("/// a\n$0struct A;"), None);
    assert_eq!(rust("// a$0"), Some(Comment));
    assert_eq!(rust("// a  $0\r\nstruct A;"), Some(Comment));
    assert_eq!(rust("$0// a"), None);
    assert_eq!(rust("/* a $0*/"), Some(Comment));
    assert_eq!(rust("/* a */$0"), None);
    assert_eq!(rust("fn f() { \"a$0\" }"), Some(String));
    assert_eq!(rust("fn f() { \"a\"$0 }"), None);
    assert_eq!(rust("fn f() { $0\"a\" }"), None);
    assert_eq!(rust("fn f() { 'a$0' }"), Some(String));
    assert_eq!(rust("fn f<'a$0>() {}"), None);
    assert_eq!(lexical(Language::Python, "a = f'b {$0c}'\n"), None);
    assert_eq!(lexical(Language::Python, "a = f'b$0 {c}'\n"), Some(String));
    assert_eq!(lexical(Language::Python, "a = f'b {c + \"$0\"}'\n"), Some(String));
    assert_eq!(lexical(Language::Python, "'''a\n$0\n'''\n"), Some(String));
    assert_eq!(lexical(Language::Python, "a # b$0\n"), Some(Comment));
    for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
        assert_eq!(lexical(language, "a = `b ${$0c}`"), None);
        assert_eq!(lexical(language, "a = `b$0 ${c}`"), Some(String));
        assert_eq!(lexical(language, "a = /b$0/"), Some(String));
    }
    assert_eq!(lexical(Language::Go, "package a\nvar b = `c$0`\n"), Some(String));
    assert_eq!(lexical(Language::Bash, "cat <<EOF\nb\n$0EOF\nc\n"), Some(String), "the line that ends it");
    assert_eq!(lexical(Language::Bash, "cat <<EOF\n$0b\nEOF\nc\n"), Some(String));
    assert_eq!(lexical(Language::Bash, "cat <<EOF | g$0\nb\nEOF\nc\n"), None);
    assert_eq!(lexical(Language::Bash, "cat <<EOF\nb\nEOF\n$0c\n"), None);
    assert_eq!(lexical(Language::Ruby, "a = <<~X\n$0  b\nX\n"), Some(String));
    assert_eq!(lexical(Language::Ruby, "a = <<~X\n  b\n$0X\n"), Some(String));
    assert_eq!(lexical(Language::Ruby, "a(<<~X, $0c)\n  b\nX\n"), None);
    assert_eq!(lexical(Language::Ruby, "a = <<~X\n  #{$0b}\nX\n"), None);
    assert_eq!(lexical(Language::Php, "<?php\n$a = <<<'X'\n$0b\nX;\n"), Some(String));
    assert_eq!(lexical(Language::Php, "<?php\n$a = <<<X\nb\n$0X;\n"), Some(String));
    assert_eq!(lexical(Language::C, "#include <a$0.h>\n"), Some(String));
    assert_eq!(lexical(Language::Cpp, "auto a = R\"(b$0)\";"), Some(String));
    assert_eq!(lexical(Language::Java, "class A { String b = \"\"\"\n$0 c\"\"\"; }"), Some(String));
}
