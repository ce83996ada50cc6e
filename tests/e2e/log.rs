//! The log: one line for each answered completion. (Also how tests see what reaches the assistant.)

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::{Level, subscriber::DefaultGuard};

use crate::client::{Buffer, TestServer};

/// What this thread logs while it lives. (`#[tokio::test]` runs a test's tasks on its own thread.)
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(Level::INFO)
            .with_writer(move || writer.clone())
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines, each a JSON object.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let bytes = self.lines.0.lock().unwrap();
        String::from_utf8_lossy(&bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Field `name` of the lines that have it.
    pub(crate) fn field(&self, name: &str) -> Vec<String> {
        self.lines().iter().filter_map(|line| Some(line.get(name)?.as_str()?.to_owned())).collect()
    }
}

#[tokio::test]
async fn each_answered_completion_leaves_one_line() {
    let log = Log::start();
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let item = buffer.ghost(&server).await;
    buffer.type_text(&server, "q");
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    server.close().await.unwrap();
    let lines = log.lines();
    let lines: Vec<_> =
        lines.iter().filter(|line| line["message"] == "completion" && line["uri"].is_string()).collect();
    let [some, none] = lines[..] else { panic!("{lines:?}") };
    assert_eq!(some["id"], item["command"]["arguments"][0]);
    assert_eq!(
        (&some["uri"], &some["version"], &some["trigger"]),
        (&buffer.uri.as_str().into(), &1.into(), &"Automatic".into())
    );
    assert_eq!(
        (&some["reused"], &some["decoded"], &some["kept"]),
        (&0.into(), &4.into(), &false.into()),
        "the `=` again, and ` 1;`"
    );
    assert!(some["prefilled"].as_u64().unwrap() > 3, "{some}");
    for stage in ["plan_ms", "queued_ms", "prefill_ms", "first_token_ms", "decode_ms", "total_ms"] {
        assert!(some[stage].is_number(), "{stage}: {some}");
    }
    assert!(some.get("nothing_because").is_none());
    assert_eq!((none.get("id"), &none["version"]), (None, &2.into()));
    assert_eq!(none["nothing_because"], "the model has nothing to add here");
}
