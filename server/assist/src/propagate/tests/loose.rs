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

#[tokio::test]
async fn c() {
    let files = "//- a.c\n#include \"a.h\"\nint put_it(int a) { return a; }\n//- a.h\nint put_it(int a);\nstatic inline int two(void) { return put_it(2); }\n//- b.c\nstatic int put_it(int a) { return a; }\nint one(void) { return put_it(1); }\n";
    let same = "it may be the same function, declared in another place";
    let expected = format!("? a.h:1 {same}\n? a.h:2 {same}\n");
    assert_eq!(carried(files, "put_it", "put_all").await, expected);
}
