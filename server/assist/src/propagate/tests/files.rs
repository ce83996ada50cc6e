//! Which files are looked at, and which of them an import means.

use super::*;

/// Names of which the index keeps no words.
#[tokio::test]
async fn short_names_in_files_that_are_not_open() {
    let files = "//- src/id.rs\npub struct Id(u8);\n//- src/use.rs\nuse crate::id::Id;\nfn one(a: Id) -> Idea { a }\n//- src/none.rs\npub fn f() {}\n";
    let expected = "+++ b/src/use.rs\n-use crate::id::Id;\n-fn one(a: Id) -> Idea { a }\n+use crate::id::No;\n+fn one(a: No) -> Idea { a }\n";
    assert_eq!(carried(files, "struct Id", "struct No").await, expected);
    let files = "//- src/store.ts\nexport const $store = make();\n//- src/use.ts\nimport { $store } from \"./store\";\n$store.set(store);\n";
    let expected = "+++ b/src/use.ts\n-import { $store } from \"./store\";\n-$store.set(store);\n+import { $shop } from \"./store\";\n+$shop.set(store);\n";
    assert_eq!(carried(files, "const $store", "const $shop").await, expected);
}

/// Modules whose file's name says nothing to the index, or ends as a test's does.
#[tokio::test]
async fn python_modules_by_the_names_of_their_files() {
    for (module, import) in [("main.py", "main"), ("latest.py", "latest"), ("src/deep/lib.py", "src.deep.lib")] {
        let files = format!(
            "//- {module}\ndef create_app(): pass\n//- test_it.py\nfrom {import} import create_app\nfrom flask import create_app as other\ncreate_app()\nother()\n"
        );
        let expected = format!(
            "+++ b/test_it.py\n-from {import} import create_app\n+from {import} import make_app\n-create_app()\n+make_app()\n"
        );
        assert_eq!(carried(&files, "def create_app", "def make_app").await, expected, "{module}");
    }
}
