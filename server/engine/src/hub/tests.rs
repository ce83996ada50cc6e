//! Pulling from a server that speaks the hub's paths, well and badly.
#![allow(clippy::unwrap_used)]

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{Entry, Hub, HubError, Manifest, Store, catalogue, store::hex};
use crate::{
    ModelSource, allocations,
    remote::tests::fault::{FaultServer, Seen, say},
};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FILE: &str = "qwen2.5-coder-0.5b-q8_0.gguf";

fn weights() -> Vec<u8> {
    (0..300_000u32).flat_map(|n| n.to_le_bytes()).collect()
}

fn entry() -> Entry {
    catalogue::find("qwen2.5-coder-0.5b").unwrap()
}

/// What the hub says about the repository; false if something else is asked.
fn about(seen: &Seen, stream: &mut TcpStream, size: usize, sha256: &str) -> bool {
    let repository = entry().repository;
    let answer = if seen.path == format!("/api/models/{repository}/revision/main") {
        json!({ "id": repository, "sha": COMMIT })
    } else if seen.path == format!("/api/models/{repository}/tree/{COMMIT}") {
        json!([
            { "type": "directory", "path": "more", "size": 0 },
            { "type": "file", "path": "README.md", "size": 5 },
            { "type": "file", "path": FILE, "size": size, "lfs": { "oid": sha256, "size": size } },
        ])
    } else {
        return false;
    };
    say(stream, 200, "", &answer.to_string());
    true
}

/// The file from where it is asked for on, cut after `most` bytes.
fn serve(seen: &Seen, stream: &mut TcpStream, most: usize) {
    let weights = weights();
    assert_eq!(seen.path, format!("/{}/resolve/{COMMIT}/{FILE}", entry().repository));
    let from = seen.head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok());
    let rest = &weights[from.unwrap_or(0)..];
    let status = if from.is_some() { 206 } else { 200 };
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", rest.len()).unwrap();
    let _ = stream.write_all(&rest[..rest.len().min(most)]);
}

fn sum() -> String {
    hex(&Sha256::digest(weights()))
}

fn pull(server: &FaultServer, store: &Store) -> Result<Manifest, HubError> {
    let hub = Hub::new(&(server.url() + "/"), Some("hf_secret\n".to_owned())).unwrap();
    assert!(!format!("{hub:?}").contains("hf_secret"));
    let mut last = 0;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(hub.pull(&entry(), store, |progress| {
        assert!(progress.done >= last && progress.done <= progress.total, "{progress:?}");
        last = progress.done;
    }))
}

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("models"));
    (folder, store)
}

/// A hub that has the whole file, and says that its checksum is `sum`.
fn honest(sum: String) -> FaultServer {
    let size = weights().len();
    FaultServer::start(move |seen, stream| {
        if !about(seen, stream, size, &sum) {
            serve(seen, stream, usize::MAX);
        }
    })
}

#[test]
fn a_pull_that_is_cut_goes_on_and_a_second_one_fetches_nothing() {
    let size = weights().len();
    let server = FaultServer::start(move |seen, stream| {
        assert!(seen.head.contains("authorization: bearer hf_secret\r\n"));
        if !about(seen, stream, size, &sum()) {
            serve(seen, stream, 500_000);
        }
    });
    let (_folder, store) = store();
    assert!(matches!(store.source("qwen2.5-coder-0.5b"), Err(HubError::NotPulled(_))));
    assert_eq!(store.source("no-such-name").unwrap(), None);

    let manifest = pull(&server, &store).unwrap();
    assert_eq!((manifest.commit.as_str(), manifest.revision.as_str()), (COMMIT, "main"));
    let place = store.place("qwen2.5-coder-0.5b").join(FILE);
    assert_eq!(std::fs::read(&place).unwrap(), weights());
    assert_eq!(store.source("qwen2.5-coder-0.5b").unwrap(), Some(ModelSource::Gguf(place.clone())));
    let resolve = format!("/{}/resolve/{COMMIT}/{FILE}", entry().repository);
    let ranges: Vec<_> = server
        .seen(&resolve)
        .iter()
        .map(|seen| seen.head.lines().find(|line| line.starts_with("range")).map(str::to_owned))
        .collect();
    assert_eq!(ranges.len(), 3, "{ranges:?}");
    assert!(ranges[0].is_none() && ranges[1].is_some() && ranges[2].is_some(), "{ranges:?}");

    assert_eq!(pull(&server, &store).unwrap(), manifest);
    assert_eq!(server.seen(&resolve).len(), 3);

    // Verified; spoilt, that is seen; removed, it is gone.
    assert!(store.verify(&entry(), |_| ()).unwrap().is_empty());
    let mut spoilt = weights();
    spoilt[77] ^= 1;
    std::fs::write(&place, spoilt).unwrap();
    let wrong = store.verify(&entry(), |_| ()).unwrap();
    assert!(wrong.len() == 1 && wrong[0].0 == FILE && wrong[0].1.contains(&sum()), "{wrong:?}");
    assert!(store.shows_licence("qwen2.5-coder-0.5b") && !store.shows_licence("qwen2.5-coder-0.5b"));
    assert!(store.remove("qwen2.5-coder-0.5b").unwrap() >= size as u64);
    assert_eq!(store.manifest("qwen2.5-coder-0.5b").unwrap(), None);
}

#[test]
fn what_an_earlier_run_left_is_gone_on_with() {
    let server = honest(sum());
    let (_folder, store) = store();
    let place = store.place("qwen2.5-coder-0.5b");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join(format!("{FILE}.{}.part", &sum()[..12])), &weights()[..1234]).unwrap();
    pull(&server, &store).unwrap();
    let seen = server.seen(&format!("/{}/resolve/{COMMIT}/{FILE}", entry().repository));
    assert!(seen.len() == 1 && seen[0].head.contains("range: bytes=1234-"), "{seen:?}");
    assert_eq!(std::fs::read(place.join(FILE)).unwrap(), weights());
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let size = weights().len();
    let tries = AtomicUsize::new(0);
    let server = FaultServer::start(move |seen, stream| {
        if !about(seen, stream, size, &sum()) {
            let all = Seen { head: String::new(), ..seen.clone() };
            serve(&all, stream, if tries.fetch_add(1, Ordering::SeqCst) == 0 { 1000 } else { usize::MAX });
        }
    });
    let (_folder, store) = store();
    // The progress goes back here, which is true.
    let hub = Hub::new(&server.url(), None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(hub.pull(&entry(), &store, |_| ())).unwrap();
    assert_eq!(std::fs::read(store.place("qwen2.5-coder-0.5b").join(FILE)).unwrap(), weights());
}

/// Two shards, the second of which `second` serves.
fn in_two(second: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |seen, stream| {
        let lfs = |text: &str| json!({ "oid": hex(&Sha256::digest(text)), "size": text.len() });
        if seen.path.contains("/tree/") {
            let file = |path, text: &str| json!({ "type": "file", "path": path, "size": 5, "lfs": lfs(text) });
            let files = json!([file("model-1.safetensors", "first"), file("model-2.safetensors", "other")]);
            say(stream, 200, "", &files.to_string());
        } else if seen.path.contains("/revision/") {
            say(stream, 200, "", &json!({ "sha": catalogue::find("starcoder2-3b").unwrap().revision }).to_string());
        } else if seen.path.ends_with("-1.safetensors") {
            say(stream, 200, "", "first");
        } else {
            second(stream);
        }
    })
}

#[test]
fn files_that_came_whole_are_not_fetched_again() {
    let entry = catalogue::find("starcoder2-3b").unwrap();
    let broken = Arc::new(AtomicBool::new(true));
    let now = broken.clone();
    let server = in_two(move |stream| match now.load(Ordering::SeqCst) {
        true => say(stream, 404, "", ""),
        false => say(stream, 200, "", "other"),
    });
    let (_folder, store) = store();
    let hub = Hub::new(&server.url(), None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pull = || runtime.block_on(hub.pull(&entry, &store, |_| ()));
    pull().unwrap_err();
    broken.store(false, Ordering::SeqCst);
    assert_eq!(pull().unwrap().files.len(), 2);
    let first = format!("/{}/resolve/{}/model-1.safetensors", entry.repository, entry.revision);
    assert_eq!(server.seen(&first).len(), 1);
    assert!(store.verify(&entry, |_| ()).unwrap().is_empty());
}

#[test]
fn two_pulls_at_once_do_not_write_into_one_file() {
    let entry = catalogue::find("starcoder2-3b").unwrap();
    let (arrived, waits) = std::sync::mpsc::channel();
    let (go, goes) = std::sync::mpsc::channel::<()>();
    let (arrived, goes) = (std::sync::Mutex::new(arrived), std::sync::Mutex::new(goes));
    let server = in_two(move |stream| {
        arrived.lock().unwrap().send(()).unwrap();
        goes.lock().unwrap().recv().unwrap();
        say(stream, 200, "", "other");
    });
    let (_folder, store) = store();
    let hub = Hub::new(&server.url(), None).unwrap();
    let pull = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(hub.pull(&entry, &store, |_| ()))
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(pull);
        waits.recv().unwrap();
        let second = pull();
        go.send(()).unwrap();
        assert!(matches!(&second, Err(HubError::Busy(_))), "{second:?}");
        first.join().unwrap().unwrap();
    });
    assert!(store.verify(&entry, |_| ()).unwrap().is_empty());
}

#[test]
fn a_wrong_checksum_is_never_kept() {
    let other = hex(&Sha256::digest(b"other"));
    let server = honest(other.clone());
    let (_folder, store) = store();
    let message = pull(&server, &store).unwrap_err().to_string();
    assert!(message.contains(&other) && message.contains(&sum()), "{message}");
    assert_eq!(std::fs::read_dir(store.place("qwen2.5-coder-0.5b")).unwrap().count(), 0);
}

#[test]
fn what_the_hub_refuses_is_told_with_what_to_do() {
    let failure = |status: u16| {
        let server = FaultServer::start(move |_, stream| say(stream, status, "", r#"{"error":"no"}"#));
        let message = pull(&server, &store().1).unwrap_err().to_string();
        message.replace(&server.url(), "HUB")
    };
    let repository = entry().repository;
    assert_eq!(failure(404), format!("{repository}: there is no revision main at HUB (HTTP 404)"));
    for status in [401, 403] {
        let message = failure(status);
        assert!(
            message.contains(&format!("accept its conditions at HUB/{repository}")) && message.contains("HF_TOKEN"),
            "{message}"
        );
    }
    assert!(failure(500).ends_with("HTTP 500"));
}

#[test]
fn a_file_that_is_not_there_and_a_hub_that_goes_are_told() {
    let size = weights().len();
    let gone = FaultServer::start(move |seen, stream| {
        if !about(seen, stream, size, &sum()) {
            say(stream, 503, "", "");
        }
    });
    let message = pull(&gone, &store().1).unwrap_err().to_string();
    assert!(message.ends_with("HTTP 503, 5 times; what came is kept: pull again"), "{message}");
    let empty = FaultServer::start(|seen, stream| {
        let list = if seen.path.contains("/tree/") { json!([]) } else { json!({ "sha": COMMIT }) };
        say(stream, 200, "", &list.to_string());
    });
    let message = pull(&empty, &store().1).unwrap_err().to_string();
    assert!(message.ends_with(&format!("none of its files is {FILE}")), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_before_and_while() {
    let huge = FaultServer::start(move |seen, stream| assert!(about(seen, stream, 1 << 60, &sum())));
    let message = pull(&huge, &store().1).unwrap_err().to_string();
    assert!(message.contains("the disk is too full: 1152921504606846976 more bytes are needed, "), "{message}");

    // A disk that fills up while it is written to.
    let server = honest(sum());
    let (_folder, store) = store();
    let place = store.place("qwen2.5-coder-0.5b");
    std::fs::create_dir_all(&place).unwrap();
    std::os::unix::fs::symlink("/dev/full", place.join(format!("{FILE}.{}.part", &sum()[..12]))).unwrap();
    let message = pull(&server, &store).unwrap_err().to_string();
    assert!(message.contains("the disk is too full: 1200000 more bytes"), "{message}");
}

#[test]
fn names_that_leave_the_folder_are_not_taken() {
    let repository = entry().repository;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let server = FaultServer::start(move |seen, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        let answer = if seen.path.contains("/tree/") {
            json!([{ "type": "file", "path": format!("../{FILE}"), "size": 1 }, { "type": "file", "path": "..", "size": 1 }])
        } else {
            json!({ "sha": COMMIT })
        };
        say(stream, 200, "", &answer.to_string());
    });
    assert!(matches!(pull(&server, &store().1), Err(HubError::NoFiles { .. })), "{repository}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_commit_that_is_pinned_is_the_one_that_is_pulled() {
    let entry = catalogue::find("qwen2.5-coder-1.5b").unwrap();
    assert!(entry.is_pinned());
    let pull = |commit: String| {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let server = FaultServer::start(move |seen, stream| {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = match seen.path.contains("/tree/") {
                true => json!([{ "type": "file", "path": entry_file(), "size": 2, "oid": BLOB }]),
                false => json!({ "sha": commit }),
            };
            match seen.path.contains("/resolve/") {
                true => say(stream, 200, "", "{}"),
                false => say(stream, 200, "", &answer.to_string()),
            }
        });
        let hub = Hub::new(&server.url(), None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_folder, store) = store();
        let pulled = runtime.block_on(hub.pull(&entry, &store, |_| ()));
        let seen = server.seen(&format!("/api/models/{}/revision/{}", entry.repository, entry.revision));
        assert_eq!(seen.len(), 1, "it is asked for by its commit");
        (pulled, asked.load(Ordering::SeqCst))
    };
    let (manifest, _) = pull(entry.revision.clone());
    assert_eq!(manifest.unwrap().commit, entry.revision);
    let (refused, asked) = pull(COMMIT.to_owned());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains(&entry.revision) && message.contains(COMMIT) && asked == 1, "{message}");
}

fn entry_file() -> String {
    catalogue::find("qwen2.5-coder-1.5b").unwrap().files[0].clone()
}

/// `printf '{}' | git hash-object --stdin`
const BLOB: &str = "9e26dfeeb6e641a33dae4961196235bdb965b21b";

/// Of small files the hub tells git's own checksum.
#[test]
fn a_small_file_is_held_to_gits_name_of_it() {
    let entry = catalogue::find("starcoder2-3b").unwrap();
    let pull = |content: &'static str| {
        let commit = entry.revision.clone();
        let server = FaultServer::start(move |seen, stream| {
            let answer = if seen.path.contains("/resolve/") {
                return say(stream, 200, "", content);
            } else if seen.path.contains("/tree/") {
                json!([{ "type": "file", "path": "config.json", "size": 2, "oid": BLOB }])
            } else {
                json!({ "sha": commit })
            };
            say(stream, 200, "", &answer.to_string());
        });
        let hub = Hub::new(&server.url(), None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_folder, store) = store();
        let pulled = runtime.block_on(hub.pull(&entry, &store, |_| ()));
        (pulled, std::fs::read_dir(store.place(&entry.name)).unwrap().count())
    };
    let (manifest, files) = pull("{}");
    assert_eq!((manifest.unwrap().files[0].path.as_str(), files), ("config.json", 2));
    let (refused, files) = pull("[]");
    let message = refused.unwrap_err().to_string();
    assert!(message.contains(&format!("expected git blob {BLOB} of 2 bytes, found ")) && files == 0, "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// A hub whose answers are damaged: an error that names the repository, an address or a file, or a pull of what it said after all; never a panic, and no memory for what is only said.
    #[test]
    fn damaged_answers(which in 0..3usize, at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..6), cut in any::<bool>()) {
        let (_folder, store) = store();
        let small = json!([
            { "type": "file", "path": FILE, "size": 40, "lfs": { "oid": hex(&Sha256::digest([7; 40])), "size": 40 } },
            { "type": "file", "path": "README.md", "size": 5, "oid": BLOB },
        ]);
        let server = FaultServer::start(move |seen, stream| {
            let (number, good) = match seen.path.as_str() {
                path if path.contains("/revision/") => (0, json!({ "id": "x", "sha": COMMIT }).to_string().into_bytes()),
                path if path.contains("/tree/") => (1, small.to_string().into_bytes()),
                _ => (2, vec![7; 40]),
            };
            let mut body = good;
            if number == which {
                let at = at.index(body.len());
                // A file that ends early is asked for again, after a while.
                if cut && number < 2 {
                    body.truncate(at);
                }
                let end = (at + bytes.len()).min(body.len());
                body.splice(at..end, bytes.iter().copied());
            }
            let _ = write!(stream, "HTTP/1.1 200 x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        });
        let (pulled, most) = allocations::most(|| pull(&server, &store));
        prop_assert!(most < 4 << 20, "{most} bytes held");
        match pulled {
            Ok(manifest) => prop_assert!(store.verify(&entry(), |_| ()).unwrap().is_empty(), "{manifest:?}"),
            Err(error) => {
                let message = error.to_string();
                prop_assert!([entry().repository, server.url(), FILE.to_owned()].iter().any(|name| message.contains(name.as_str())), "{message}");
            }
        }
    }
}
