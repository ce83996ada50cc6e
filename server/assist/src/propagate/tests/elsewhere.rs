//! Uses by another name, and where no call or member is written.

use super::*;

#[tokio::test]
async fn a_function_that_is_handed_on_by_another_name() {
    let files = "//- pkg/core.py\ndef turn(deg, size): pass\n//- pkg/__init__.py\nfrom .core import turn as rotate\n//- use.py\nfrom pkg import rotate\nimport pkg\nrotate(1, 2)\npkg.rotate(3, 4)\n//- no.py\nfrom other import rotate\nrotate(1, 2)\n";
    let expected = "+++ b/use.py\n-rotate(1, 2)\n-pkg.rotate(3, 4)\n+rotate(2, 1)\n+pkg.rotate(4, 3)\n";
    assert_eq!(carried(files, "deg, size", "size, deg").await, expected);
    let files = "//- src/core.ts\nexport function makeThing(a: string, b: number) {}\n//- src/index.ts\nexport { makeThing as build } from \"./core\";\n//- src/sub/use.ts\nimport { build } from \"..\";\nbuild(\"\", 1);\n//- src/use.ts\nimport { build as make } from \"./index\";\nmake(\"\", 1);\n";
    let expected = "+++ b/src/sub/use.ts\n-build(\"\", 1);\n+build(1, \"\");\n+++ b/src/use.ts\n-make(\"\", 1);\n+make(1, \"\");\n";
    assert_eq!(carried(files, "a: string, b: number", "b: number, a: string").await, expected);
}

#[tokio::test]
async fn a_module_that_ends_as_the_one_that_hands_it_on() {
    let files = "//- pkg/core.py\ndef turn(deg, size): pass\n//- pkg/a/util.py\nfrom pkg.core import turn as rotate\n//- pkg/b/util.py\ndef rotate(a, b): pass\n//- use.py\nfrom pkg.b.util import rotate\nrotate(1, 2)\n//- also.py\nfrom pkg.a.util import rotate\nrotate(1, 2)\n";
    let expected = "+++ b/also.py\n-rotate(1, 2)\n+rotate(2, 1)\n";
    assert_eq!(carried(files, "deg, size", "size, deg").await, expected);
    let files = "//- pkg/core.py\ndef turn(deg, size): pass\n//- pkg/util.py\nfrom pkg.core import turn as rotate\n//- util.py\ndef rotate(a, b): pass\n//- use.py\nfrom util import rotate\nrotate(1, 2)\n";
    assert_eq!(carried(files, "deg, size", "size, deg").await, "");
    // That one gives the name by an import alone.
    let files = "//- pkg/core.py\ndef turn(deg, size): pass\n//- pkg/util.py\nfrom pkg.core import turn as rotate\n//- util.py\nfrom lib.math import rotate\n//- use.py\nfrom util import rotate\nrotate(1, 2)\n//- also.py\nfrom pkg.util import rotate\nrotate(1, 2)\n";
    let expected = "+++ b/also.py\n-rotate(1, 2)\n+rotate(2, 1)\n? use.py:2 more than one file goes by the name that it is imported from\n";
    assert_eq!(carried(files, "deg, size", "size, deg").await, expected);
}

#[tokio::test]
async fn a_module_that_is_named_by_its_package_or_from_the_top() {
    let files = "//- src/core.ts\nexport function makeThing(a: string, b: number) {}\n//- package.json\n{ \"name\": \"@acme/app\" }\n//- src/ui.ts\nexport { makeThing as build } from \"./core\";\n\
        //- src/use.ts\nimport { build } from \"@acme/app/ui\";\nbuild(\"\", 1);\n//- src/also.ts\nimport { build } from \"@/ui\";\nbuild(\"\", 1);\n\
        //- src/no.ts\nimport { build } from \"@other/app/ui\";\nbuild(\"\", 1);\n//- src/perhaps.ts\nimport { build } from \"ui\";\nbuild(\"\", 1);\n";
    let expected = "+++ b/src/also.ts\n-build(\"\", 1);\n+build(1, \"\");\n+++ b/src/use.ts\n-build(\"\", 1);\n+build(1, \"\");\n\
        ? src/perhaps.ts:2 it may be imported from a package of that name\n";
    assert_eq!(carried(files, "a: string, b: number", "b: number, a: string").await, expected);
}

/// Of aliases of which the index keeps no words, files that import them are looked at.
#[tokio::test]
async fn a_short_name_that_a_function_is_handed_on_by() {
    let files = "//- pkg/core.py\ndef translated(text, lang): pass\n//- pkg/i18n.py\nfrom pkg.core import translated as _\n//- one.py\nfrom pkg.i18n import _\n_(1, 2)\n//- two.py\nimport pkg.i18n\npkg.i18n._(1, 2)\n//- no.py\nfor _, row in all: row\n";
    let expected = "+++ b/one.py\n-_(1, 2)\n+_(2, 1)\n";
    assert_eq!(carried(files, "text, lang", "lang, text").await, expected);
}

#[tokio::test]
async fn a_class_in_a_python_pattern() {
    let files = "//- a.py\nclass LoadError(Exception): pass\n//- c.py\nfrom a import LoadError\nimport a\ndef f(e):\n    match e:\n        case LoadError(args=1): pass\n        case a.LoadError(): pass\n        case LoadError.kind: pass\n//- d.py\ndef f(e):\n    match e:\n        case LoadError: pass\n";
    let expected = "+++ b/c.py\n-from a import LoadError\n+from a import ReadError\n\
        -        case LoadError(args=1): pass\n-        case a.LoadError(): pass\n-        case LoadError.kind: pass\n\
        +        case ReadError(args=1): pass\n+        case a.ReadError(): pass\n+        case ReadError.kind: pass\n";
    assert_eq!(carried(files, "class LoadError", "class ReadError").await, expected);
}

#[tokio::test]
async fn a_parameter_that_is_a_member() {
    let files = "//- src/a.ts\nclass A {\n  constructor(public readonly width2: number, other: A) { use(width2, other.width2); }\n  get() { return this.width2; }\n}\n";
    let expected = "+++ b/src/a.ts\n-  constructor(public readonly breadth: number, other: A) { use(width2, other.width2); }\n-  get() { return this.width2; }\n\
        +  constructor(public readonly breadth: number, other: A) { use(breadth, other.width2); }\n+  get() { return this.breadth; }\n\
        ? src/a.ts:2 the type of what it is a member of is not known\n\
        ! src/a.ts:2 the parameter is a member too: what other files call it is to be changed by hand\n";
    assert_eq!(carried(files, "width2", "breadth").await, expected);
}

#[tokio::test]
async fn a_comment_before_a_parameter_says_nothing_of_it() {
    let files = "//- src/a.ts\nclass A {\n  private load: L;\n  constructor(\n    // where the public files are\n    load: L,\n  ) {\n    this.load = wrap(load);\n  }\n}\n";
    let expected = "+++ b/src/a.ts\n-    this.load = wrap(load);\n+    this.load = wrap(read);\n";
    assert_eq!(carried(files, "    load: L,", "    read: L,").await, expected);
}

#[tokio::test]
async fn members_that_are_given_without_their_type() {
    let files = "//- src/props.tsx\nexport interface Props { headline: string; loadAll(): void }\n//- src/use.tsx\nconst one = <Field headline=\"x\" />;\nconst two = { loadAll() {} };\n";
    let expected = "? src/use.tsx:1 it may be an attribute of another component\n";
    assert_eq!(carried(files, "headline", "heading").await, expected);
    let expected = "? src/use.tsx:2 the type of the object is not known\n";
    assert_eq!(carried(files, "loadAll", "loadEach").await, expected);
    let files = "//- p.py\nclass P:\n    xpos: int\n//- use.py\nfrom p import P\ndef f(p):\n    match p:\n        case P(xpos=1): pass\n    replace(p, xpos=3)\n";
    let expected =
        "? use.py:4 the type of the pattern is not told\n? use.py:5 the type of what is copied is not known\n";
    assert_eq!(carried(files, "xpos", "left").await, expected);
}
