//! An answer's lines go where the old ones were, its strings stay what they are, and Python with other blocks is refused.

#![allow(clippy::unwrap_used)]

use pilotlight_syntax::Document;

use super::{
    super::{additions, answer},
    *,
};

/// The text with the lines between the `$0` replaced by an answer, or what is against it.
fn rewritten(language: Language, fixture: &str, text: &str) -> String {
    let (before, rest) = fixture.split_once("$0").unwrap();
    let (old, behind) = rest.split_once("$0").unwrap();
    let snapshot = Document::open(language, 0, &format!("{before}{old}{behind}")).snapshot();
    let lines = before.len()..before.len() + old.len();
    match answer::replaced(&snapshot, &lines, false, text) {
        Ok(edits) => snapshot.with_replaced(edits[0].range.clone(), &edits[0].text).rope().to_string(),
        Err(unreadable) => unreadable.found,
    }
}

const METHOD: &str = "class A:\n    def f(self, a):\n$0        x = a\n        y = x + 1$0\n        return y\n";

#[test]
fn an_answer_with_other_indentation_goes_where_the_lines_are() {
    let python = |text: &str| rewritten(Language::Python, METHOD, text);
    let wanted = "class A:\n    def f(self, a):\n        if a:\n            y = a + 1\n        return y\n";
    for blanks in ["", "    ", "        ", "            "] {
        assert_eq!(python(&format!("{blanks}if a:\n{blanks}    y = a + 1")), wanted, "{}", blanks.len());
    }
    let refused = |text| python(text).contains("indented as none can be there");
    assert!(refused("y = a\n        y += 1"), "a first line that has lost its blanks");
    assert!(refused("        if a:\n        y = a + 1"), "a block that is not deeper");
    assert!(refused("        if a:"), "a block that is not there");
    assert!(refused("\ty = a + 1"), "a tab");
    let script = "for (;;) {\n$0    a();\n    b();$0\n}\n";
    let is = rewritten(Language::JavaScript, script, "        if (a()) {\n            b();\n        }");
    assert_eq!(is, "for (;;) {\n    if (a()) {\n        b();\n    }\n}\n");
    let is = rewritten(Language::JavaScript, script, "        if (a()) {\n/* c */\n            b();\n        }");
    assert_eq!(is, "for (;;) {\n    if (a()) {\n/* c */\n        b();\n    }\n}\n");
    // A backslash joins lines in a short string too; a comment may stand anywhere.
    let joined = "class A:\n    def f(self, a):\n        x = 'one \\\ntwo'\n        y = x\n        return y\n";
    assert_eq!(python("x = 'one \\\ntwo'\ny = x"), joined);
    let commented = METHOD.replace("        y = x + 1", "# TODO\n        y = x + 1");
    let is = rewritten(Language::Python, &commented, "if a:\n    y = a + 1");
    assert_eq!(is, wanted);
    let is = python("            if a:\n# b\n                y = a + 1");
    assert_eq!(is, wanted.replace("        if a:\n", "        if a:\n# b\n"));
    let is = rewritten(Language::Python, "def f():\n$0    # a\n    # b$0\n    return y\n", "# c");
    assert_eq!(is, "def f():\n    # c\n    return y\n");
    // Lines that end less deep than they begin do not tell where another first line would be.
    let tail = "class A:\n    def f(self, a):\n        if a:\n$0            x = a\n        y = 1$0\n        return y\n";
    let is = rewritten(Language::Python, tail, "            x = 2\n        y = 2");
    assert!(is.contains("            x = 2\n        y = 2\n        return"), "{is}");
}

#[test]
fn a_fix_that_breaks_blocks_is_refused() {
    let text = METHOD.replace("$0", "");
    let snapshot = Document::open(Language::Python, 0, &text).snapshot();
    let fix = |new: &str| {
        let reply = format!("<<<<<<< SEARCH\n        y = x + 1\n=======\n{new}\n>>>>>>> REPLACE\n");
        answer::edits(&snapshot, &(0..text.len()), &reply).map_err(|unreadable| unreadable.found)
    };
    assert!(fix("    y = x + 2").is_err_and(|found| found.contains("indented as none")));
    assert_eq!(fix("        y = x + 2").unwrap().len(), 1);
    // What was wrong before may be mended.
    let broken = "def f():\n    a()\n        b()\n";
    let snapshot = Document::open(Language::Python, 0, broken).snapshot();
    let reply = "<<<<<<< SEARCH\n        b()\n=======\n    b()\n>>>>>>> REPLACE\n";
    assert!(answer::edits(&snapshot, &(0..broken.len()), reply).is_ok());
}

#[test]
fn strings_keep_their_lines() {
    let script = "function f() {\n$0    const a = `x\ny`;\n    g(a);$0\n}\n";
    let wanted = "function f() {\n    h(`x\ny`);\n}\n";
    assert_eq!(rewritten(Language::JavaScript, script, "    h(`x\ny`);"), wanted);
    assert_eq!(rewritten(Language::JavaScript, script, "h(`x\ny`);"), wanted);
    // A string that was moved along goes back; documentation moves.
    let script = "function f() {\n$0    const a = `x\n      y\n    z`;\n    g(a);$0\n}\n";
    let wanted = "function f() {\n    h(`x\n      y\n    z`);\n}\n";
    assert_eq!(rewritten(Language::JavaScript, script, "h(`x\n  y\nz`);"), wanted);
    let method = "class A:\n$0    def f(self):\n        return 1$0\n";
    let told = "def f(self):\n    \"\"\"A.\n\n    B.\n    \"\"\"\n    return \"\"\"\nx\"\"\"";
    let wanted =
        "class A:\n    def f(self):\n        \"\"\"A.\n\n        B.\n        \"\"\"\n        return \"\"\"\nx\"\"\"\n";
    assert_eq!(rewritten(Language::Python, method, told), wanted);
    let script = "f() {\n$0    echo a\n    echo b$0\n}\n";
    let wanted = "f() {\n    cat <<EOF\nkeep $1\n  this $2\nEOF\n}\n";
    assert_eq!(rewritten(Language::Bash, script, "cat <<EOF\nkeep $1\n  this $2\nEOF"), wanted);
    let method = "def f(x)\n$0    text = <<-EOS\n  keep\n    this\n    EOS\n    g(x)$0\nend\n";
    let wanted = "def f(x)\n    text = <<-EOS\n  keep\n    this\n    EOS\n    h(x)\nend\n";
    assert_eq!(rewritten(Language::Ruby, method, "text = <<-EOS\n  keep\n    this\n    EOS\nh(x)"), wanted);
    let page = "<?php\nfunction f() {\n$0    g();\n    h();$0\n}\n";
    let wanted = "<?php\nfunction f() {\n    g(<<<'EOT'\nkeep\n  this\nEOT);\n}\n";
    assert_eq!(rewritten(Language::Php, page, "g(<<<'EOT'\nkeep\n  this\nEOT);"), wanted);
    let snapshot = Document::open(Language::Rust, 0, "fn f() {}\n").snapshot();
    let (_, text) = additions::in_module(&snapshot, "#[test]\nfn a() {\n    f(\"x\ny\");\n\n    g();\n}");
    assert!(text.ends_with("    #[test]\n    fn a() {\n        f(\"x\ny\");\n\n        g();\n    }\n}\n"), "{text}");
}

#[test]
fn lines_of_python_are_told_as_python_does() {
    let well = "def f(a,\n  b):  # note\n    x = [\n1,\n    ]\n    if a and \\\n  b:\n        # deep\n  # not deep\n        return {'a': \"b:\"}\n    s = '''\nx:\n  '''\n    class B: pass\n    try:\n\tpass\n    except A: \n        pass\n";
    let misplaced = |text: &str| super::misplaced(&Document::open(Language::Python, 0, text).snapshot());
    assert_eq!(misplaced(&well.replace('\t', "        ")), [""; 0]);
    assert_eq!(misplaced(well), ["\tpass"], "blanks that are not those before");
    assert_eq!(misplaced("  a\nb\n"), ["  a"]);
    assert_eq!(misplaced("if a:\n    b\n  c\n"), ["  c"]);
    assert_eq!(misplaced("if a:\nb\nwhile c:\n"), ["b", "the end"]);
}
