//! Edits are applied strictly in order, and a request's position refers to the text that the client had when it asked, whatever is going on at the same time.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use crate::client::{Buffer, Setup, TestServer, soon};

/// Thousands of edits with requests between them, sent without waiting. Each request asks at the document's last line, in a version of it that the next edit
/// ends: an answer to any other state would be an error (the line is not there) or another version.
async fn storm(seed: u64, setup: Setup) {
    let encoding = if setup.capabilities["general"].is_null() { "utf-16" } else { "utf-8" };
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = TestServer::with(setup).await;
    let mut buffers: Vec<_> = (0..3).map(|i| Buffer { encoding, ..Buffer::new(&format!("{i}.txt"), "$0") }).collect();
    buffers.iter().for_each(|buffer| buffer.open(&server));
    let mut asks = Vec::new();
    for step in 0..4000 {
        let buffer = &mut buffers[random.random_range(0..3)];
        let boundaries: Vec<_> = buffer.text.char_indices().map(|(at, _)| at).chain([buffer.text.len()]).collect();
        let pick = |random: &mut StdRng| boundaries[random.random_range(0..boundaries.len())];
        let (a, b) = (pick(&mut random), pick(&mut random));
        let (start, end) = if buffer.text.len() > 400 { (a.min(b), a.max(b)) } else { (a, a) };
        let text = ["\n", "x\n\n", "é", "𝄞\n", "=", "", "(\n"][random.random_range(0..7)];
        // `\r` aside: a `\n` put behind it would be one line end with it, and the client here does not count that way.
        buffer.replace(&server, start, end, text);
        if random.random_ratio(1, 2) {
            let asked = Buffer { cursor: buffer.text.len(), ..buffer.clone() };
            asks.push((step, asked.ask(&server)));
        }
        if random.random_ratio(1, 50) {
            buffer.save(&server);
        }
        if random.random_ratio(1, 100) {
            // Lets the server run in between, and some requests come to their end.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    for (step, ask) in asks {
        let answer = soon(ask).await;
        assert!(answer.is_ok(), "step {step} of seed {seed}: {answer:?}");
    }
    for buffer in &buffers {
        // Complains if the server's text is another: the test fails at its end then.
        buffer.save(&server);
        buffer.ghost(&server).await;
        let why = buffer.why(&server).await;
        let because = why["nothing_because"].as_str().unwrap_or_default();
        assert!(!because.contains("version"), "{why}");
    }
    server.request("pilotlight/explain", json!({})).await.unwrap();
    server.no_complaints();
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_storm_of_edits_and_requests_on_one_thread() {
    storm(1, Setup::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_edits_and_requests_on_many_threads() {
    let capabilities = json!({ "general": { "positionEncodings": ["utf-8"] } });
    storm(2, Setup { capabilities, ..Setup::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_request_of_many_is_the_one_that_is_answered() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "x =\n($0");
    buffer.open(&server);
    for _ in 0..200 {
        let ends = [3, buffer.text.len()];
        let asks: Vec<_> = (0..5)
            .map(|i| {
                buffer.cursor = ends[i % 2];
                (ends[i % 2], buffer.ask(&server))
            })
            .collect();
        let mut answers = Vec::new();
        for (end, ask) in asks {
            answers.push((end, soon(ask).await.unwrap()));
        }
        let (end, last) = answers.pop().unwrap();
        assert_eq!(last[0]["insertText"], " 1;", "{last} at {end}: {}", buffer.why(&server).await);
        for (end, items) in answers {
            // One that was quick enough is right, too.
            let expected = if end == 3 { " 1;" } else { ");" };
            assert!(items == json!([]) || items[0]["insertText"] == expected, "{items} at {end}");
        }
    }
    server.close().await.unwrap();
}
