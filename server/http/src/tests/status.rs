//! What the server tells of itself.

use super::*;

#[tokio::test]
async fn what_is_loaded_is_told() {
    let server = Server::plain().await;
    server.post("/v1/completions", json!({ "prompt": "a", "max_tokens": 2 })).await;
    assert_eq!(server.get("/health").await, r#"{"status":"ok"}"#);
    let parse = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let name = &ENGINE.info().name;
    assert_eq!(parse(server.get("/v1/models").await)["data"][0]["id"], *name);
    assert_eq!(parse(server.get("/api/tags").await)["models"][0]["name"], *name);
    let context = ENGINE.info().context_length;
    assert_eq!(parse(server.get("/props").await)["default_generation_settings"]["n_ctx"], context);
    let metrics = server.get("/metrics").await;
    assert!(metrics.contains("pilotlight_tokens_decoded_total ") && metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn the_status_tells_what_is_held_and_what_was_asked() {
    let assistant = assistant();
    let text = format!("import os\n\n\n{PREFIX}{SUFFIX}");
    assistant.open("file:///w/held.py".into(), Some("/w/held.py".into()), Language::Python, 0, &text);
    let request = pilotlight_assist::CompletionRequest {
        document: "file:///w/held.py".into(),
        cursor: "import os\n\n\n".len() + PREFIX.len(),
        snapshot: assistant.snapshot(&"file:///w/held.py".into()).unwrap(),
        trigger: pilotlight_assist::Trigger::Invoked,
    };
    let outcome = assistant.complete(request, Default::default()).await;
    if let Some(completion) = &outcome.completion {
        assistant.report(completion.id, pilotlight_assist::Acceptance::Whole);
    }
    let server = Server::start(assistant.clone(), Options::default(), Tokens::default()).await;
    server.post("/infill", json!({ "input_prefix": "fn main() {\n    l", "n_predict": 3 })).await;
    let status: Value = serde_json::from_str(&server.get("/status").await).unwrap();
    assert_eq!((&status["state"], &status["model"]["name"]), (&json!("ready"), &json!(ENGINE.info().name)));
    let recent = status["journal"]["recent"].as_array().unwrap();
    assert_eq!((&recent[0]["wire"], &recent[0]["client"]), (&json!("/infill"), &json!("this machine")));
    assert_eq!(
        (&recent[1]["wire"], &recent[1]["path"], &recent[1]["language"]),
        (&json!("editor"), &json!("held.py"), &json!("python"))
    );
    assert_eq!(recent[1]["why"]["segments"].as_array().unwrap().len(), outcome.explanation.segments.len());
    let offered = &status["journal"]["languages"]["python"];
    assert_eq!(offered["taken"].as_u64().unwrap_or(0), u64::from(outcome.completion.is_some()), "{offered}");
    let prefilled: u64 = recent.iter().map(|entry| entry["why"]["prefilled"].as_u64().unwrap()).sum();
    let course = status["journal"]["course"].as_array().unwrap();
    assert_eq!(course.iter().map(|point| point["prefilled"].as_u64().unwrap()).sum::<u64>(), prefilled);
    let held: usize = status["cache"].as_array().unwrap().iter().map(|it| it["pages"].as_array().unwrap().len()).sum();
    assert!(held > 0 && status["figures"]["cache"]["pages_used"].as_u64().unwrap() > 0);

    let page = server.client.get(format!("http://{}/", server.address)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = page.text().await.unwrap();
    let elsewhere =
        ["https://", "src=", "@import", "url("].into_iter().filter(|it| page.contains(it)).collect::<Vec<_>>();
    assert!(elsewhere.is_empty(), "the page asks elsewhere: {elsewhere:?}");
}

#[tokio::test]
async fn what_is_being_written_is_a_slot_and_keeps_the_daemon() {
    let activity = Activity::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(assistant(), &Options::default(), Tokens::default(), activity.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server { address, client: Client::new() };
    let busy = |slots: &str| {
        let slots: Value = serde_json::from_str(slots).unwrap();
        slots.as_array().unwrap().iter().filter(|slot| slot["is_processing"] == true).count()
    };
    assert_eq!((busy(&server.get("/slots").await), activity.last()), (0, None), "looking is no use");
    let mut seed = 0;
    // The model may come to an end by itself before it is looked at: then another seed.
    loop {
        let body =
            json!({ "prompt": "def f():\n", "max_tokens": 1500, "temperature": 2, "seed": seed, "stream": true });
        let answer = server.send("/v1/completions", &body).await;
        let slots = server.get("/slots").await;
        drop(answer);
        if busy(&slots) == 1 {
            break;
        }
        seed += 1;
        assert!(seed < 50, "never seen at work: {slots}");
    }
    assert!(activity.last().is_some());
    while busy(&server.get("/slots").await) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (one, later) = (activity.last(), activity.last());
    assert_eq!(one, later, "from then on it is idle");
}
