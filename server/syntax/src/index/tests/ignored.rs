//! Which lists and which names keep a file out, of the index and of what is asked of one file.

use super::*;
use crate::index::{Exclusion, rules::Rules};

#[test]
fn every_list_of_ignored_files_is_honoured() {
    let mut files = vec![("kept.rs".to_owned(), "fn kept() {}".to_owned())];
    for (at, list) in rules::IGNORE_FILES.iter().enumerate() {
        files.push(((*list).to_owned(), format!("no{at}.rs\nsub/\n!sub/again.rs\n")));
        files.push((format!("no{at}.rs"), "fn no() {}".to_owned()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (folder, index) = workspace(&files);
    run(folder.path(), &index);
    assert_eq!(paths(&index), ["kept.rs"]);
    let rules = Rules::default();
    let why = |path: &str| rules.excluded(Some(folder.path()), &folder.path().join(path));
    for (at, list) in rules::IGNORE_FILES.iter().enumerate() {
        let why = why(&format!("no{at}.rs"));
        assert!(matches!(&why, Some(Exclusion::Ignored { list: by }) if by.ends_with(list)), "{list}: {why:?}");
    }
    assert_eq!(why("kept.rs"), None);
    assert_eq!(why("never/written.rs"), None);
    assert!(why("sub/x.rs").is_some());
    assert!(why("sub/again.rs").is_some(), "nothing in an ignored folder is taken in again");
    assert_eq!(why(".env"), Some(Exclusion::Credentials));
}

#[test]
fn an_ignored_folder_decides_for_all_that_is_in_it() {
    let (folder, index) = workspace(&[
        ("a/.gitignore", "*\n!*/\n!*.py\nprivate/\n"),
        ("a/kept.py", "x = 1\n"),
        ("a/private/a.py", "x = 1\n"),
        ("b/.gitignore", "private/\n"),
        ("b/private/.gitignore", "!*.py\n"),
        ("b/private/a.py", "x = 1\n"),
        ("c/.gitignore", "made/*\n!made/kept.py\n"),
        ("c/made/gone.py", "x = 1\n"),
        ("c/made/kept.py", "x = 1\n"),
    ]);
    run(folder.path(), &index);
    assert_eq!(paths(&index), ["a/kept.py", "c/made/kept.py"]);
    let rules = Rules::default();
    for path in ["a/kept.py", "a/private/a.py", "b/private/a.py", "c/made/gone.py", "c/made/kept.py"] {
        let why = rules.excluded(Some(folder.path()), &folder.path().join(path));
        assert_eq!(why.is_none(), paths(&index).contains(&path.to_owned()), "{path}: {why:?}");
    }
}

#[test]
fn the_lists_of_git_itself_and_of_folders_above_are_honoured() {
    let (above, index) = workspace(&[
        (".gitignore", "above.py\n"),
        (".pilotlightignore", "mine.py\n"),
        ("w/.git/info/exclude", "a.py\nback.py\nlocal/\n"),
        ("w/.gitignore", "!back.py\n"),
        ("w/a.py", "x = 1\n"),
        ("w/back.py", "x = 1\n"),
        ("w/above.py", "x = 1\n"),
        ("w/mine.py", "x = 1\n"),
        ("w/local/b.py", "x = 1\n"),
        ("w/everywhere.py", "x = 1\n"),
        ("plain/above.py", "x = 1\n"),
        ("plain/kept.py", "x = 1\n"),
        ("git-excludes", "everywhere.py\n"),
    ]);
    let mut rules = Rules::default();
    rules.everywhere = Some(above.path().join("git-excludes"));
    let why =
        |root: &str, path: &str| rules.excluded(Some(&above.path().join(root)), &above.path().join(root).join(path));
    for path in ["a.py", "local/b.py", "everywhere.py"] {
        let why = why("w", path);
        assert!(why.as_ref().is_some_and(Exclusion::is_by_git), "{path}: {why:?}");
    }
    let mine = why("w", "mine.py");
    assert!(mine.as_ref().is_some_and(|why| !why.is_by_git()), "{mine:?}");
    assert_eq!(why("w", "back.py"), None, "a later list has the last word");
    assert_eq!(why("w", "above.py"), None, "another repository's");
    assert_eq!(why("plain", "above.py"), None, "git asks nothing above what is in no repository");
    assert!(why("plain", "mine.py").is_some(), "other lists do");
    // As in a scan, which knows the user's real list.
    run(&above.path().join("w"), &index);
    run(&above.path().join("plain"), &index);
    assert_eq!(paths(&index), ["above.py", "back.py", "everywhere.py", "kept.py"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_judged_by_what_it_leads_to_as_well() {
    let (folder, _) = workspace(&[("deep/.env", "KEY=x"), ("a.rs", "fn alpha() {}")]);
    for (target, link) in [("deep/.env", "notes.txt"), ("a.rs", "b.rs"), ("gone.pem", "c.rs")] {
        std::os::unix::fs::symlink(folder.path().join(target), folder.path().join(link)).unwrap();
    }
    let rules = Rules::default();
    let why = |path: &str| rules.excluded(Some(folder.path()), &folder.path().join(path));
    assert_eq!(why("notes.txt"), Some(Exclusion::Credentials));
    assert_eq!(why("b.rs"), None);
    assert_eq!(why("c.rs"), None, "it leads nowhere");
}
