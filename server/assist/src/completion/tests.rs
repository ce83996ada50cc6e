//! What becomes of a model's text: `check` plays a model that says `said`, in a file with the cursor at `$0`, and shows the file as it would be after an accept.

use pilotlight_syntax::{Document, Language};

use super::extent::{Extent, Flow, Reach};

/// Why nothing is shown.
const OPEN: &str = "what the model wrote leaves open what it opens";
const GLUED: &str = "what the model wrote would make another word of the one beside it";
const BESIDE: &str = "what the model wrote repeats the line beside it";
const HERE: &str = "what the model wrote stands here already";

/// The file after accepting what is left of `said` (`⟦…⟧` marks the new text), or why nothing is shown. The same file whose lines end with a return becomes the same, with returns.
fn check(language: Language, file: &str, said: &str) -> String {
    let is = once(language, file, said);
    assert_eq!(once(language, &file.replace('\n', "\r\n"), said), is.replace('\n', "\r\n"), "{language:?}: {said}");
    is
}

/// The model says `said` character by character and then ends.
fn once(language: Language, file: &str, said: &str) -> String {
    let cursor = file.find("$0").expect("a cursor");
    let snapshot = Document::open(language, 0, &file.replacen("$0", "", 1)).snapshot();
    let mut extent = Extent::new(&snapshot, cursor, Reach::GHOST);
    let mut text = String::new();
    let mut ended = true;
    for c in said.chars() {
        text.push(c);
        if extent.grow(&text) == Flow::Enough {
            ended = false;
            break;
        }
    }
    match extent.finish(&text, ended) {
        Ok((range, text)) => {
            let all = snapshot.rope().to_string();
            format!("{}⟦{text}⟧{}", &all[..range.start], &all[range.end..])
        }
        Err(because) => because.to_owned(),
    }
}

fn rust(file: &str, said: &str) -> String {
    check(Language::Rust, file, said)
}

#[test]
fn a_statement_ends_with_its_line() {
    assert_eq!(rust("fn f() {\n    let x = $0\n}\n", "1;\n    let y = 2;\n"), "fn f() {\n    let x = ⟦1;⟧\n}\n");
}

#[test]
fn an_opened_block_goes_on_until_it_is_closed() {
    let said = "x {\n        y();\n    }\n    z();\n    w();\n";
    assert_eq!(rust("fn f() {\n    if $0\n}\n", said), "fn f() {\n    if ⟦x {\n        y();\n    }⟧\n}\n");
}

#[test]
fn an_empty_body_takes_several_statements_and_stops_where_it_ends() {
    let said = "let a = 1;\n    a + 1\n}\n\nfn g() {}\n";
    assert_eq!(rust("fn f() -> u8 {\n    $0\n}\n", said), "fn f() -> u8 {\n    ⟦let a = 1;\n    a + 1⟧\n}\n");
}

#[test]
fn an_unfinished_unit_is_never_shown() {
    assert_eq!(rust("fn f() {\n    $0\n}\n", "if x {\n        y(\n"), OPEN);
    assert_eq!(rust("fn f() { a(); $0 }\n", "b(("), OPEN);
}

#[test]
fn closers_behind_the_cursor_are_not_doubled() {
    assert_eq!(rust("fn f() {\n    g($0);\n}\n", "a, b);"), "fn f() {\n    g(⟦a, b⟧);\n}\n");
    assert_eq!(rust("fn f() {\n    g($0)\n}\n", "a, b);"), "fn f() {\n    g(⟦a, b);⟧\n}\n");
    assert_eq!(rust("fn f() {\n    g(\"$0\");\n}\n", "name\");"), "fn f() {\n    g(\"⟦name⟧\");\n}\n");
}

#[test]
fn the_lines_below_are_not_repeated() {
    let file = "fn f() {\n    let a = 1;\n    $0\n    let c = 3;\n    let d = 4;\n}\n";
    assert_eq!(rust(file, "let b = 2;\n    let c = 3;\n    let d = 4;\n"), file.replacen("$0", "⟦let b = 2;⟧", 1));
    assert_eq!(rust(file, "let c = 3;"), HERE);
}

#[test]
fn the_rest_of_a_line_is_not_the_line_below() {
    let file = "fn f() {\n    let a = $0\n    g();\n}\n";
    assert_eq!(rust(file, "g();\n    g();\n"), file.replacen("$0", "⟦g();⟧", 1));
    let file = "fn f() {\n    g(a, |b| {\n        let c = $0\n        h(b);\n    });\n}\n";
    assert_eq!(rust(file, "h(b);"), file.replacen("$0", "⟦h(b);⟧", 1));
}

#[test]
fn a_file_that_is_broken_elsewhere_still_gets_completions() {
    let file = "fn broken( {\n\nfn f() {\n    let x = $0\n}\n";
    assert_eq!(rust(file, "g(1);\n"), file.replacen("$0", "⟦g(1);⟧", 1));
}

#[test]
fn python_bodies_stop_at_the_dedent() {
    let file = "def f(a):\n    $0\n";
    assert_eq!(
        check(Language::Python, file, "b = a\n    return b\n\ndef g():\n    pass\n"),
        "def f(a):\n    ⟦b = a\n    return b⟧\n"
    );
}

#[test]
fn plain_text_gets_one_line() {
    assert_eq!(check(Language::Plain, "Dear $0\n", "Sir,\nhow are you?\n"), "Dear ⟦Sir,⟧\n");
}

#[test]
fn a_loop_is_cut_off() {
    let said = "a.push(1);\n    a.push(1);\n    a.push(1);\n    a.push(1);\n";
    assert_eq!(rust("fn f() {\n    $0\n}\n", said), "fn f() {\n    ⟦a.push(1);\n    a.push(1);⟧\n}\n");
}

#[test]
fn what_stands_on_the_line_is_kept_whatever_the_model_says() {
    let file = "fn f() {\n    let x = $0 + offset;\n}\n";
    assert_eq!(rust(file, "base"), file.replacen("$0", "⟦base⟧", 1));
    assert_eq!(rust(file, "base + offset;\n"), file.replacen("$0", "⟦base⟧", 1));
    assert_eq!(rust("fn f() {\n    let x = $0- 1;\n}\n", "a - 1;"), "fn f() {\n    let x = ⟦a ⟧- 1;\n}\n");
    assert_eq!(rust(file, "base\n    + more;\n    g();\n"), file.replacen("$0", "⟦base⟧", 1));
}

#[test]
fn nothing_is_shown_that_leaves_open_what_it_opened_on_the_line_being_typed() {
    let body = |head: &str| format!("fn f(items: &[u8]) -> u8 {{\n    {head}$0\n}}\n");
    let looping = "{\n        for item in items {\n            let mut sum = 0;\n            for item in items {";
    assert_eq!(rust(&body("for item in items "), looping), OPEN);
    assert_eq!(rust(&body("match x "), "{ Some(x) => x, None => x, None => x, None => x,"), OPEN);
    assert_eq!(rust(&body("if items.len() > 3 "), "{\n        sum\n    } else {"), OPEN);
    assert_eq!(rust("impl Shape {\n    fn new() -> Self $0\n}\n", "{"), OPEN);
    let file = "function f(items) {\n    items.forEach((item) => $0\n}\n";
    let said = "{\n        if (item._tag === 'none') {";
    assert_eq!(check(Language::TypeScript, file, said), OPEN);
    for (language, file, said) in [
        (Language::Rust, "fn f() {\n    let q = $0\n}\n", "\"abc"),
        (Language::Rust, "fn f() {\n    let q = $0\n}\n", "/* abc"),
        (Language::Python, "q = $0\n", "\"\"\""),
        (Language::Python, "q = $0\nx = 1\n", "\"\"\"\n"),
        (Language::JavaScript, "q = $0\nf();\n", "`a ${b} "),
        (Language::TypeScript, "q = $0\nf();\n", "`a ${b} "),
        (Language::Java, "class A {\n    void f() {\n        q = $0\n    }\n}\n", "\"\"\""),
        (Language::Go, "package a\nfunc f() {\n\tq = $0\n}\n", "`select "),
        (Language::Php, "<?php\n$q = $0\nf();\n", "<<<EOT"),
        (Language::Ruby, "q = $0\nf()\n", "<<~EOS"),
        (Language::JavaScript, "q = $0\nf();\n", "/* abc"),
        (Language::C, "void f() {\n    $0\n}\n/* a */\n", "/* abc"),
        (Language::Tsx, "q = $0\nf();\n", "<div>"),
        (Language::Bash, "q=$0\nf\n", "\"abc"),
        (Language::Bash, "ssh $0 a\nf\n", "<<EOF"),
        (Language::Tsx, "const a = (\n    $0\n);\n", "<label><input type=\"a\" />"),
        (Language::Tsx, "const a = (\n    $0\n);\n", "<div>\n        <Input />\n"),
        (Language::JavaScript, "const a = (\n    $0\n);\n", "<ul>\n        <li>a</li>\n"),
        // What it opens in front of a string that goes on below is still its own.
        (Language::Go, "package a\n\nvar q = $0`a\nb`\n", "f("),
        (Language::JavaScript, "q = $0\"a\";\nf(;\n", "\"b"),
    ] {
        assert_eq!(check(language, file, said), OPEN, "{language:?}: {said}");
    }
    for (language, file, said) in [
        (Language::Rust, "fn f() {\n    g($0);\n}\n", "\"a\", 'b', r#\"c\"#, \"\" /* d */"),
        (Language::Rust, "fn f() {\n    let a: &$0 = b;\n}\n", "'static str"),
        (Language::Rust, "fn f() {\n    let a: &'a str = \"b $0\";\n}\n", "it's / *"),
        (Language::Python, "q = f(\"$0\")\n", "it's"),
        (Language::Python, "q = $0\n", "f\"{a['b']}\" + '''c'''"),
        (Language::JavaScript, "q = $0\n", "`a ${`b` + '\"'} c`;"),
        (Language::JavaScript, "q = `a ${$0} '`;\n", "b"),
        (Language::JavaScript, "q = f('$0', a / b);\n", "a/*"),
        (Language::Java, "class A {\n    String q = $0\n}\n", "\"a\" + 'b' + \"\"\"\n        c\"\"\";"),
        (Language::Ruby, "q = $0\nf()\n", "g(<<~EOS)\n  a\nEOS"),
        (Language::Bash, "f() {\n    $0\n}\n", "echo \"a `b`\" 'c'"),
        (Language::Rust, "fn f() {\n    g(\"$0\"\n}\n", "a"),
        (Language::JavaScript, "g(\"$0\"\nf();\n", "a"),
        (Language::Python, "g(\"$0\"\n", "a"),
        (Language::Kotlin, "val q = $0\n", "\"a $b ${c}\" + 'd' + \"\"\"e\"\"\""),
        (Language::Swift, "let q = $0\n", "\"a \\(b)\" + \"'\""),
        (Language::CSharp, "var q = $0\n", "$\"a{b}\" + @\"c\" + 'd' + \"e'\";"),
        (Language::Lua, "q = $0\n", "[[a]] .. 'b' .. \"c'\""),
        (Language::Php, "<?php\n$q = $0\n", "\"a {$b}\" . 'c\"';"),
        (Language::Ruby, "q = $0\n", "\"a #{b['c']}\" + %q(d) + :\"e\".to_s + '\"' + %w[f g].first"),
        (Language::Cpp, "auto q = $0\n", "f(L\"a\", R\"(b)\", '\"');"),
        (Language::Go, "package a\n\nvar q = $0\n", "\"a\" + `b\"` + string('\"')"),
        (Language::Tsx, "q = $0\n", "<div a=\"b\">{x}<b /><></></div>;"),
        (Language::Tsx, "q = $0\n", "<a><b></b></a>;"),
        (Language::Tsx, "const a = (\n    $0\n);\n", "<ul>\n        <li>{a}</li>\n        <Input />\n    </ul>"),
        // What opens behind it goes on below, and was there before.
        (Language::Bash, "ssh $0<<EOF\n$a\nEOF\n", "host"),
        (Language::Bash, "x=$0\"a\nb\"\n", "c"),
        (Language::Python, "x = $0\"\"\"\na\n\"\"\"\n", "g() +"),
        (Language::Python, "g($0, \"\"\"\na\n\"\"\")\n", "x"),
        (Language::JavaScript, "const x = $0sql`\n  a ${b}\n`;\n", "await "),
        (Language::TypeScript, "const x = $0sql`\n  a ${b}\n`;\n", "await "),
        (Language::Go, "package a\n\nvar q = $0`a\nb`\n", "c +"),
        (Language::Rust, "fn f() {\n    g($0, r#\"a\nb\"#);\n}\n", "x"),
        (Language::Rust, "fn f() {\n    g($0, \"a\nb\");\n}\n", "x"),
        (Language::Ruby, "q = $0\"a\nb\"\n", "c +"),
        (Language::Ruby, "q = $0<<~EOS\n  a\nEOS\n", "c +"),
        (Language::JavaScript, "function f($0) { /*\n  a */\n}\n", "a, b"),
        (Language::C, "void f($0) { /*\n  a */\n}\n", "int a"),
        (Language::Bash, "$0\n", "echo ${arr[@]/*a/b}"),
        (Language::Bash, "$0\n", "echo \"${a/*:/}\""),
    ] {
        shown(language, file, said);
    }
    // A bracket in a string is none.
    assert_eq!(rust(&body("let open = "), "\"{\""), body("let open = ").replacen("$0", "⟦\"{\"⟧", 1));
}

#[test]
fn what_closes_it_may_stand_below() {
    let file = "fn f() {\n    if x $0\n        y();\n    }\n}\n";
    assert_eq!(rust(file, "{\n"), file.replacen("$0", "⟦{⟧", 1));
    let file = "def f():\n    for item in items$0\n        g(item)\n    return 1\n";
    assert_eq!(check(Language::Python, file, ":\n"), file.replacen("$0", "⟦:⟧", 1));
}

#[test]
fn a_head_in_python_has_a_body() {
    let file = "def f(items):\n    for item in items$0\n    return sum\n";
    let python = |said: &str| check(Language::Python, file, said);
    assert_eq!(python(":\n        if item in items:"), OPEN);
    assert_eq!(python(":  # each\n"), OPEN);
    assert_eq!(python(":\n        g(item)\n        h(item)\n"), file.replacen("$0", "⟦:\n        g(item)⟧", 1));
    let file = "def f(items):\n    for item in items:$0\n    return sum\n";
    assert_eq!(check(Language::Python, file, "\n        if item in items:"), OPEN);
    let file = "def f(items):\n    x = $0\n";
    assert_eq!(check(Language::Python, file, "\"a:\"\n"), file.replacen("$0", "⟦\"a:\"⟧", 1));
    assert_eq!(check(Language::Python, file, "items[1:]\n"), file.replacen("$0", "⟦items[1:]⟧", 1));
}

#[test]
fn nothing_is_glued_to_half_a_word() {
    let file = "fn f() {\n    self.wi$0dth = width;\n}\n";
    assert_eq!(rust(file, "dth = height"), GLUED);
    assert_eq!(rust(file, ".0 = x"), GLUED);
    assert_eq!(rust("fn f() {\n    g(na$0me, b);\n}\n", "n, x"), GLUED);
    let file = "fn f() {\n    g($0first, b);\n}\n";
    assert_eq!(rust(file, "name"), GLUED);
    assert_eq!(rust(file, "name\n"), GLUED);
    assert_eq!(rust(file, "&"), file.replacen("$0", "⟦&⟧", 1));
    assert_eq!(rust(file, "a, "), file.replacen("$0", "⟦a, ⟧", 1));
}

#[test]
fn a_line_beside_is_not_written_again() {
    assert_eq!(rust("use std::path::Path;\n$0\n", "use std::path::Path;\n"), BESIDE);
    assert_eq!(rust("use std::path::Path;\nuse $0\n", "std::path::Path;\nuse a::b;\n"), BESIDE);
    let file = "fn f() {\n    le$0\n\n    let b = 2;\n    let c = 3;\n}\n";
    assert_eq!(rust(file, "t b = 2;"), BESIDE);
    assert_eq!(rust(file, "t a = 1;"), file.replacen("$0", "⟦t a = 1;⟧", 1));
    // Where the file has such a pair already, it may have another.
    let file = "const T: [u8; 3] = [\n    0, 0, 0, 0,\n    0, 0, 0, 0,\n    $0\n];\n";
    assert_eq!(rust(file, "0, 0, 0, 0,\n"), file.replacen("$0", "⟦0, 0, 0, 0,⟧", 1));
}

/// That all of `said` is shown.
fn shown(language: Language, file: &str, said: &str) {
    assert_eq!(check(language, file, said), file.replacen("$0", &format!("⟦{said}⟧"), 1), "{language:?}");
}

#[test]
fn a_word_that_ends_in_a_blank_keeps_it() {
    shown(Language::Rust, "fn f() {\n    let $0x = 1;\n}\n", "mut ");
    shown(Language::Rust, "pub $0fn f() {}\n", "async ");
    shown(Language::Rust, "fn f() {\n    g(&$0a);\n}\n", "mut ");
    shown(Language::JavaScript, "async function f() {\n    const x = $0fetch();\n}\n", "await ");
}

#[test]
fn what_closes_a_block_is_no_repetition() {
    shown(Language::Ruby, "def f(x)\n  $0\nend\n", "if x\n    g(x)\n  end");
    let nested = "a do\n    b do\n      c do\n        d\n      end\n    end\n  end";
    shown(Language::Ruby, "def f(x)\n  $0\nend\n", nested);
    shown(Language::Lua, "function f(x)\n  $0\nend\n", "if x then\n    g(x)\n  end");
    shown(Language::Bash, "f() {\n  if a; then\n    $0\n  fi\n}\n", "if b; then\n      c\n    fi");
    shown(Language::Tsx, "const a = (\n  <div>\n    $0\n  </div>\n);\n", "<div>\n      {x}\n    </div>");
    shown(Language::Tsx, "const a = (\n  <div>\n    <div>\n      <b />\n    </div>\n  $0\n);\n", "</div>");
    shown(Language::C, "#ifdef A\n$0\n#endif\n", "#ifdef B\nint b;\n#endif");
    shown(Language::C, "#ifdef A\n#ifdef B\nint b;\n#endif\n$0\n", "#endif");
}

const WRONG: &str = "what the model wrote would add a syntax error";

#[test]
fn a_bracket_that_closes_nothing_is_not_shown_and_one_that_does_is() {
    let sub = "function add(a, b) {\n    return a + b;\n}\n\nfunction sub(a, b) $0\n";
    assert_eq!(check(Language::JavaScript, sub, "{});"), WRONG);
    assert_eq!(check(Language::JavaScript, sub, "{}]"), WRONG);
    shown(Language::JavaScript, sub, "{}");
    for (language, file, said) in [
        (Language::JavaScript, "f(function () {\n    if (a\n    g();\n$0\n", "});"),
        (Language::JavaScript, "f(function () {\n    if (a) {\n    g();\n$0\n", "});"),
        (Language::JavaScript, "f(function () {\n    g();\n$0\n\nfunction a( {\n", "});"),
        (Language::Rust, "fn broken( {\n\nfn f() {\n    g(|| {\n        a();\n    $0\n}\n", "});"),
        (Language::Rust, "fn f() {\n    g(a, $0\n", "b);"),
        (Language::Python, "x = [\n    1,\n$0\n\ndef broken(:\n    pass\n", "]"),
        (Language::Lua, "f({\n    a = 1,\n$0\n\nfunction g(\n", "})"),
        (Language::Bash, "case $a in\n    $0\n", "a) b ;;"),
        (Language::Go, "package a\n\nfunc f() {\n\tg(func() {\n\t\th(\n\t$0\n}\n", "})"),
        (
            Language::Java,
            "class A {\n    void f() {\n        g(() -> {\n            h(;\n        $0\n    }\n}\n",
            "});",
        ),
    ] {
        shown(language, file, said);
    }
}

#[test]
fn a_line_in_a_block_without_its_end_is_judged_as_if_it_had_one() {
    for (language, file, said) in [
        (Language::Lua, "function f()\n  e$0\n", "xcept ImportError:"),
        (Language::Lua, "function f()\n  e$0\nend\n", "xcept ImportError:"),
        (Language::Lua, "function f()\n  if a then\n    e$0\n", "xcept ImportError:"),
        (Language::Ruby, "def add(name, c$0\n", "ount: int) -> int:"),
        (Language::Lua, "local function f(cart)\n  local a = 1\n  e$0\n", "xcept ImportError:"),
        (
            Language::Lua,
            "local M = {}\n\nfunction M.f(cart)\n  local a = 1\n  for i = 1, 3 do\n    g(i)\n  end\n  e$0\n\nreturn M\n",
            "xcept ImportError:",
        ),
        (
            Language::Lua,
            "local M = {}\n\nfunction M.f(cart)\n  local a = 1\n  e$0\n\nfunction M.g()\nend\n\nreturn M\n",
            "xcept ImportError:",
        ),
    ] {
        assert_eq!(check(language, file, said), WRONG, "{language:?}: {said}");
    }
    for said in ["nd", "xit(1)", "lements = {}"] {
        shown(Language::Lua, "function f()\n  e$0\n", said);
    }
    for said in [
        "local x = 1",
        "return function(a)",
        "if x then",
        "if x then return end",
        "for i = 1, 3 do",
        "for k, v in pairs(t) do",
        "while x do",
        "repeat",
        "local function g(a, b)",
        "-- a",
        "goto done",
        "::done::",
        "self:g({ 1, 2 })",
    ] {
        shown(Language::Lua, "function f()\n  g()\n  $0\n", said);
        shown(Language::Lua, "function f()\n  if a then\n    $0\n\nfunction g()\nend\n", said);
    }
    for said in ["x = a ..", "x = a and", "return g(x)"] {
        shown(Language::Lua, "function f()\n  g()\n  $0\n", said);
    }
    shown(Language::Lua, "function f()\n  if a then\n    b()\n  e$0\n", "lse");
    let deep = "function f()\n  if a then\n    if b then\n      for i = 1, 3 do\n        $0\n";
    shown(Language::Lua, deep, "if c then");
    shown(Language::Lua, "function f()\n  repeat\n    b()\n  u$0\n", "ntil a");
    shown(Language::Ruby, "def add(name, c$0\n", "ount)");
    shown(Language::Ruby, "def add(name, c$0\n", "ount: 1)");
    for said in [
        "puts x",
        "x = a ||",
        "if x",
        "x = if y",
        "begin",
        "return x if y",
        "items.each do |a|",
        "@a, @b = b, 1",
        "foo a, b: 1",
        "yield x, *y, &z",
        "def g(a, b: 1)",
        "raise A, \"b #{c}\" unless d?",
        "x = a ? b : c",
        "while x",
        "# a",
    ] {
        shown(Language::Ruby, "class A\n  def f\n    g()\n    $0\n", said);
        shown(Language::Ruby, "def f\n  $0\n\ndef g\nend\n", said);
    }
    shown(Language::Ruby, "class A\n  def f\n    g()\n    $0\n", "x = case y");
    // Brackets and quotes that are open before it may be closed by who goes on.
    shown(Language::Ruby, "def f\n  g(a$0\n", ", b");
    shown(Language::Lua, "function f()\n  g(\"a$0\n", " b");
    shown(Language::Lua, "function f()\n  g({ a = 1$0\n", ", b = 2");
    shown(Language::Lua, "g(a$0\n", ", b");
    shown(Language::Ruby, "def f\n  g\n$0\n", "rescue A => e");
    shown(Language::Ruby, "def f\n  case a\n  $0\n", "when 1, 2");
}

#[test]
fn why_nothing_is_shown_is_told() {
    assert_eq!(rust("fn f() {\n    let $0x = 1;\n}\n", "a"), GLUED);
    assert_eq!(rust("fn f() {\n    g();$0\n}\n", " let let"), WRONG);
    let again = "g(\n        a,\n        a,\n        a,\n";
    assert_eq!(rust("fn f() {\n    $0\n}\n", again), "what the model wrote repeats itself");
}
