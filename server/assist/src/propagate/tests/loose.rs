//! Languages of which types and imports are not read: nothing is passed over in silence.

use super::*;

const TOOL: &str = r#"//- p/Tool.java
package p;
public class Tool {
    public Tool() {}
    public static Tool makeTool() { return new Tool(); }
    public void buildAll() {}
}
//- q/C.java
package q;
import p.Tool;
class C {
    void run() { new Tool(); Tool.makeTool(); t.buildAll(); p.Tool.makeTool(); }
}
class More extends Tool { public void buildAll() {} }
"#;

#[tokio::test]
async fn java() {
    let expected = "+++ b/p/Tool.java\n-    public Tool() {}\n-    public static Tool makeTool() { return new Tool(); }\n\
        +    public Gadget() {}\n+    public static Gadget makeTool() { return new Gadget(); }\n\
        ? q/C.java:2 where it comes from is not told\n? q/C.java:4 where it comes from is not told\n? q/C.java:4 where it comes from is not told\n\
        ? q/C.java:4 what it is a member of is not known\n? q/C.java:6 where it comes from is not told\n";
    assert_eq!(carried(TOOL, "class Tool", "class Gadget").await, expected);
    let expected =
        "? q/C.java:4 what it is a member of is not known\n? q/C.java:6 another type has a member of that name\n";
    assert_eq!(carried(TOOL, "buildAll", "buildEach").await, expected);
    let expected = "? q/C.java:4 where it comes from is not told\n? q/C.java:4 where it comes from is not told\n";
    assert_eq!(carried(TOOL, "makeTool", "newTool").await, expected);
}

#[tokio::test]
async fn php() {
    let files = "//- Tool.php\n<?php\nnamespace App;\nclass Tool { function buildAll() {} }\n//- c.php\n<?php\nuse App\\Tool;\n$t = new Tool();\n$t->buildAll();\n";
    let expected = "? c.php:2 where it comes from is not told\n? c.php:3 where it comes from is not told here\n";
    assert_eq!(carried(files, "class Tool", "class Gadget").await, expected);
    assert_eq!(carried(files, "buildAll", "buildEach").await, "? c.php:4 what it is a member of is not known\n");
}

/// Of a name that many types have, what may mean the changed one is told; of files that do not name its type, that they are not listed.
#[tokio::test]
async fn members_with_common_names() {
    let files = "//- Cart.java\nclass Cart {\n    int total;\n    void add(String n) { this.total += total; }\n    void two() { add(\"a\"); this.add(\"b\"); new Cart().add(\"c\"); }\n}\n\
        //- Use.java\nclass Use { static void f(Cart cart) { cart.add(\"x\"); } }\n//- More.java\nclass More extends Cart { void add(String n) {} }\n\
        //- Other.java\nclass Other { void f(java.util.List<String> all) { all.add(\"x\"); } }\n";
    let unknown = "what it is a member of is not known";
    let expected = format!(
        "+++ b/Cart.java\n-    void two() {{ add(\"a\"); this.add(\"b\"); new Cart().add(\"c\"); }}\n\
        +    void two() {{ insert(\"a\"); this.add(\"b\"); new Cart().add(\"c\"); }}\n\
        ? Cart.java:4 {unknown}\n? Cart.java:4 {unknown}\n? More.java:1 another type has a member of that name\n? Use.java:1 {unknown}\n\
        ! Cart.java:3 members that are called `add` too are not listed where `Cart` is not named: Other.java\n"
    );
    assert_eq!(carried(files, "void add", "void insert").await, expected);
    let expected = format!(
        "+++ b/Cart.java\n-    void add(String n) {{ this.total += total; }}\n+    void add(String n) {{ this.total += sum; }}\n\
        ? Cart.java:3 {unknown}\n"
    );
    assert_eq!(carried(files, "int total", "int sum").await, expected);
    let files = "//- cart.lua\nlocal Cart = {}\nfunction Cart:add(n) self:add(n) end\nreturn Cart\n//- use.lua\nlocal cart = require(\"cart\")\ncart:add(1)\n//- other.lua\nset.add(1)\n";
    let expected = format!(
        "? cart.lua:2 {unknown}\n? use.lua:2 {unknown}\n\
        ! cart.lua:2 members that are called `add` too are not listed where `Cart` is not named: other.lua\n"
    );
    assert_eq!(carried(files, "Cart:add", "Cart:insert").await, expected);
    let files =
        "//- cart.rb\nclass Cart\n  def add(n); end\n  def two; self.add(1); end\nend\n//- use.rb\nCart.new.add(1)\n";
    let expected = format!("? cart.rb:3 {unknown}\n? use.rb:1 {unknown}\n");
    assert_eq!(carried(files, "def add", "def insert").await, expected);
}

/// A member that is defined out of its class, in the same file.
#[tokio::test]
async fn a_member_out_of_line() {
    let files = "//- a.cpp\nclass Cart { void put_it(int a); };\nvoid Cart::put_it(int a) {}\n";
    let expected = "? a.cpp:2 it may be the same function, declared in another place\n";
    assert_eq!(carried(files, "put_it", "put_all").await, expected);
}

#[tokio::test]
async fn properties_in_php() {
    let files = "//- Tool.php\n<?php\nclass Tool {\n    public $ownerName = 1;\n    static $most = 2;\n    function f($ownerName) { return $this->ownerName . $ownerName . self::$most . \"$ownerName\"; }\n}\n\
        //- c.php\n<?php\n$ownerName = 1;\n$t->ownerName = Tool::$most;\nclass B { public $ownerName; }\n";
    let unknown = "what it is a member of is not known";
    let expected =
        format!("? Tool.php:5 {unknown}\n? c.php:3 {unknown}\n? c.php:4 another type has a member of that name\n");
    assert_eq!(carried(files, "ownerName", "holderName").await, expected);
    let expected = format!("? Tool.php:5 {unknown}\n? c.php:3 where it comes from is not told\n");
    assert_eq!(carried(files, "$most", "$highest").await, expected);
}

/// `$` before a name is none of its letters, also in a string.
#[tokio::test]
async fn variables_that_a_string_is_given() {
    let files = "//- v.sh\ntarget_dir=/tmp/build\nmkdir -p \"$target_dir\"\nrm -rf \"$target_dir\"/*\necho ${target_dir}\nexport PATH HOME target_dir\nunset target_dir\nread -r target_dir\n//- w.sh\n. ./v.sh\nls \"$target_dir\"\n";
    insta::assert_snapshot!(carried(files, "target_dir", "out_dir").await, @r#"
    +++ b/v.sh
    -mkdir -p "$target_dir"
    -rm -rf "$target_dir"/*
    -echo ${target_dir}
    -export PATH HOME target_dir
    -unset target_dir
    +mkdir -p "$out_dir"
    +rm -rf "$out_dir"/*
    +echo ${out_dir}
    +export PATH HOME out_dir
    +unset out_dir
    ? v.sh:7 it may be the name, given as a word
    ? w.sh:2 where it comes from is not told here
    "#);
    let files = "//- v.kt\nconst val retryLimit = 3\nval text = \"$retryLimit ${retryLimit}\"\n";
    let expected = "+++ b/v.kt\n-val text = \"$retryLimit ${retryLimit}\"\n+val text = \"$mostTries ${mostTries}\"\n";
    assert_eq!(carried(files, "retryLimit", "mostTries").await, expected);
}

#[tokio::test]
async fn c() {
    let files = "//- a.c\n#include \"a.h\"\nint put_it(int a) { return a; }\n//- a.h\nint put_it(int a);\nstatic inline int two(void) { return put_it(2); }\n//- b.c\nstatic int put_it(int a) { return a; }\nint one(void) { return put_it(1); }\n";
    let same = "it may be the same function, declared in another place";
    let expected = format!("? a.h:1 {same}\n? a.h:2 {same}\n");
    assert_eq!(carried(files, "put_it", "put_all").await, expected);
}
