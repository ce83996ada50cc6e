//! Actions done from end to end, by a server that chats by a script.

use std::{fs, path::Path, sync::Arc};

use pilotlight_engine::{Engine, EngineOptions, RemoteOptions};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Assistant, Options, Which, Workspace};

#[allow(dead_code)]
#[path = "../../../../../tests/scripts.rs"]
mod scripts;

/// What action `id` at `$0` of the first file comes to: the changed file, or why there is none.
async fn done(id: &str, files: &[(&str, &str)], answer: &'static str, finish: &'static str) -> Result<String, String> {
    let url = scripts::talker(finish, move |_| Some(answer.to_owned())).url();
    let remote = RemoteOptions { url, ..RemoteOptions::default() };
    let options = EngineOptions { remote, ..EngineOptions::default() };
    let markers = crate::markers("auto").unwrap();
    let assistant = Assistant::new(Options::default(), "script", move || Engine::connect(&options, &markers));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    assistant.set_workspace(Workspace::new(Options::default(), [root.clone()]));
    for (name, text) in files {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), text.replacen("$0", "", 1)).unwrap();
    }
    let (name, fixture) = files[0];
    let (document, at) = (DocumentId::from(name), fixture.find("$0").unwrap());
    let language = Language::from_path(Path::new(name));
    assistant.open(Arc::clone(&document), Some(root.join(name)), language, 0, &fixture.replacen("$0", "", 1));
    assistant.talker().await.unwrap();
    let snapshot = assistant.snapshot(&document).unwrap();
    let diagnostics = vec![Diagnostic { range: at..at, message: "no".to_owned() }];
    let instruction = "Mend it.".to_owned();
    let chosen = Chosen { id: id.to_owned(), selection: at..at, diagnostics, instruction };
    let done = assistant.act(&document, snapshot.revision(), chosen, &|_| (), CancellationToken::new()).await;
    let set = done.map_err(|error| error.to_string())?.set;
    let [file] = &set.files[..] else { panic!("expected one file, found {}", set.files.len()) };
    let named = file.name().strip_prefix(&root).unwrap().display().to_string();
    let named = if named == name { String::new() } else { format!("{named}: ") };
    Ok(named + &file.after(Which::All))
}

const ADD: &str = "fn add(a: u8, b: u8) -> u8 {\r\n    let c = a;\r\n    c$0 + d\r\n}\r\n";

#[tokio::test]
async fn what_is_written_ends_its_lines_as_the_file_does() {
    let mended = ADD.replace("c$0 + d", "let d = b;\r\n    c + d");
    let fix = "<<<<<<< SEARCH\n    let c = a;\n    c + d\n=======\n    let c = a;\n    let d = b;\n    c + d\n>>>>>>> REPLACE\n";
    assert_eq!(done("fix", &[("a.rs", ADD)], fix, "stop").await.as_ref(), Ok(&mended));
    let head = ADD.replace("add(", "$0add(").replace("c$0", "c");
    let rewritten = "```\nfn add(a: u8, b: u8) -> u8 {\n    let c = a;\n    let d = b;\n    c + d\n}\n```";
    assert_eq!(done("rewrite", &[("a.rs", &head)], rewritten, "stop").await.as_ref(), Ok(&mended));
    let same = "```\nfn add(a: u8, b: u8) -> u8 {\n    let c = a;\n    c + d\n}\n```";
    let error = done("rewrite", &[("a.rs", &head)], same, "stop").await.unwrap_err();
    assert!(error.contains("found the old one"), "{error}");
    let plain = ADD.replace("c$0", "c");
    let documented = done("document", &[("a.rs", &head)], "```\n/// Adds.\n///\n/// Twice.\n```", "stop").await;
    assert_eq!(documented, Ok(format!("/// Adds.\r\n///\r\n/// Twice.\r\n{plain}")));
    let tests = "```\n#[test]\nfn adds() {\n    add(1, 2);\n}\n```";
    let module = "\r\n#[cfg(test)]\r\nmod tests {\r\n    use super::*;\r\n\r\n    #[test]\r\n    fn adds() {\r\n        add(1, 2);\r\n    }\r\n}\r\n";
    assert_eq!(done("test", &[("a.rs", &head)], tests, "stop").await, Ok(plain + module));
    // A file that is made is like the one that it stands beside.
    let tests = "```\nfrom a import f\n\n\ndef test_f():\n    f()\n```";
    let made = done("test", &[("a.py", "def $0f():\r\n    g()\r\n")], tests, "stop").await;
    assert_eq!(made, Ok("test_a.py: from a import f\r\n\r\n\r\ndef test_f():\r\n    f()\r\n".to_owned()));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_not_taken() {
    let text = [("a.rs", "fn add(a: u8, b: u8) -> u8 {\n    c$0 + d\n}\n")];
    let fix = "<<<<<<< SEARCH\n    c + d\n=======\n    a + b\n>>>>>>> REPLACE\n";
    assert_eq!(done("fix", &text, fix, "stop").await, Ok(text[0].1.replace("c$0 + d", "a + b")));
    let error = done("fix", &text, fix, "length").await.unwrap_err();
    assert!(error.starts_with("nothing is changed: the model's answer is cut off"), "{error}");
    assert!(error.contains("actions.max-tokens"), "{error}");
}

#[tokio::test]
async fn tests_go_into_the_file_that_the_module_of_tests_is() {
    let code = "fn $0add() { a() }\n\n#[cfg(test)]\nmod tests;\n";
    let test = "```\n#[test]\nfn adds() {\n    add();\n}\n```";
    let there = "use super::*;\n";
    let after = "use super::*;\n\n#[test]\nfn adds() {\n    add();\n}\n";
    for (name, file) in
        [("a.rs", "a/tests.rs"), ("a.rs", "a/tests/mod.rs"), ("src/lib.rs", "src/tests.rs"), ("b/mod.rs", "b/tests.rs")]
    {
        let added = done("test", &[(name, code), (file, there)], test, "stop").await;
        assert_eq!(added, Ok(format!("{file}: {after}")), "{name}");
    }
    let elsewhere = code.replace("mod tests;", "#[path = \"b.rs\"]\nmod tests;");
    for (code, beside) in [(code, "b.rs"), (&elsewhere, "a/tests.rs")] {
        let error = done("test", &[("a.rs", code), (beside, there)], test, "stop").await.unwrap_err();
        assert!(error.contains("`mod tests;`"), "{error}");
    }
}
