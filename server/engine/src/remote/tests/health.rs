//! A server that fails, or cannot do what is asked: how it is looked after until it can.

use std::sync::atomic::AtomicBool;

use super::*;

#[test]
fn a_server_that_comes_back_is_noticed() {
    let broken = Arc::new(AtomicBool::new(true));
    let now = broken.clone();
    let server = FaultServer::start(move |seen, stream| match seen.path.as_str() {
        "/completion" | "/health" if now.load(Ordering::SeqCst) => say(stream, 503, "retry-after: 60\r\n", "loading"),
        _ if llama_cpp(seen, stream) => {}
        _ => well(stream),
    });
    let engine = connect(server.url());
    assert!(collect(engine.submit(asked(&engine))).failed.is_some());
    let mut ailing = engine.ailing().unwrap();
    assert!(ailing.borrow_and_update().as_ref().unwrap().ends_with("HTTP 503: loading"));
    broken.store(false, Ordering::SeqCst);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { ailing.wait_for(Option::is_none).await.unwrap().clone() });
    assert_eq!(collect(engine.submit(asked(&engine))).text, "né b");
}

/// A look says nothing of a quota, nor of a path that is missing: the time that was named is waited for, and else longer each time.
#[test]
fn a_server_that_refuses_every_request_is_not_held_to_be_back() {
    let backs = |status: u16, header: &'static str| {
        let server = FaultServer::start(move |seen, stream| match seen.path.as_str() {
            "/v1/fim/completions" => say(stream, status, header, "no"),
            _ => say(stream, 200, "", r#"{"data":[]}"#),
        });
        let options = options(server.url(), |remote| {
            remote.kind = RemoteKind::Mistral;
            remote.model = "codestral-latest".to_owned();
        });
        let engine = Engine::connect(&options, &MARKERS).unwrap();
        let mut prompt = engine.tokenizer().encode("a");
        prompt.insert(0, engine.tokenizer().special(PREFIX_PART).unwrap());
        prompt.extend(engine.tokenizer().special(SUFFIX_PART));
        let request = || Request { prompt: prompt.clone(), max_tokens: 8, ..Request::default() };
        let mut backs = 0;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            let failed = collect(engine.submit(request())).failed;
            assert!(failed.is_some_and(|message| message.ends_with(&format!("HTTP {status}: no"))));
            let mut ailing = engine.ailing().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let back = ailing.wait_for(Option::is_none);
            let left = Duration::from_secs(4).saturating_sub(began.elapsed());
            backs += usize::from(runtime.block_on(async { tokio::time::timeout(left, back).await.is_ok() }));
        }
        backs
    };
    assert_eq!(backs(429, "retry-after: 60\r\n"), 0);
    // After 0.5, 1 and 2 s, not each half second.
    assert!((1..=3).contains(&backs(404, "")));
}

/// A prompt for a server that writes it.
fn of_two_parts(engine: &Engine) -> Request {
    let tokenizer = engine.tokenizer();
    let mut prompt: Vec<u32> = tokenizer.special(SUFFIX_PART).into_iter().collect();
    prompt.extend(tokenizer.special(PREFIX_PART));
    prompt.extend(tokenizer.encode("begin "));
    Request { prompt, max_tokens: 8, ..Request::default() }
}

/// A llama-server that was started again, with another model: one whose special tokens are known, and one that is asked for by the same name.
#[test]
fn who_could_fill_no_middle_is_asked_again_with_another_model() {
    for named in ["", "coder"] {
        let talks = Arc::new(AtomicBool::new(true));
        let talker = Arc::clone(&talks);
        let server = FaultServer::start(move |seen, stream| {
            let talks = talker.load(Ordering::SeqCst);
            if seen.path == "/props" && talks {
                let props = json!({ "default_generation_settings": { "n_ctx": 2048 }, "chat_template": "x" });
                say(stream, 200, "", &props.to_string());
            } else if seen.path == "/infill" && talks {
                say(stream, 501, "", "no FIM tokens");
            } else if seen.path == "/tokenize" && talks {
                say(stream, 200, "", &json!({ "tokens": vec![1; 9] }).to_string());
            } else if !llama_cpp(seen, stream) {
                well(stream);
            }
        });
        let set = options(server.url(), |remote| remote.model = named.to_owned());
        let engine = Engine::connect(&set, &MARKERS).unwrap();
        assert!(collect(engine.submit(of_two_parts(&engine))).failed.unwrap().contains("501"));
        assert!(!engine.fills());
        talks.store(false, Ordering::SeqCst);
        let begun = Instant::now();
        while !engine.fills() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody looks");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(collect(engine.submit(of_two_parts(&engine))).text, "né b");
        // Nor does what it could do before, chat, hear of an ailment.
        assert!(engine.ailing().unwrap().borrow().is_none());
        // The look costs the server a prompt of two lines.
        let looks = server.seen("/infill");
        assert!(looks.iter().any(|seen| seen.body["n_predict"] == 0 && seen.body["input_prefix"] == "\n"));
    }
}

/// It fell and came back with a model whose special tokens are known: the prompts are sent as before.
#[test]
fn who_wrote_the_prompts_goes_on_with_it() {
    let stage = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&stage);
    let server = FaultServer::start(move |seen, stream| match (now.load(Ordering::SeqCst), seen.path.as_str()) {
        (0, "/tokenize") => say(stream, 200, "", &json!({ "tokens": vec![1; 9] }).to_string()),
        (1, "/infill" | "/health") => say(stream, 401, "", "away"),
        _ if llama_cpp(seen, stream) => {}
        _ => well(stream),
    });
    let engine = connect(server.url());
    assert_eq!(collect(engine.submit(of_two_parts(&engine))).text, "né b");
    stage.store(1, Ordering::SeqCst);
    assert!(collect(engine.submit(of_two_parts(&engine))).failed.is_some());
    stage.store(2, Ordering::SeqCst);
    let mut ailing = engine.ailing().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let back = async { tokio::time::timeout(Duration::from_secs(20), ailing.wait_for(Option::is_none)).await.is_ok() };
    assert!(runtime.block_on(back), "{:?}", *engine.ailing().unwrap().borrow());
    assert_eq!(collect(engine.submit(of_two_parts(&engine))).text, "né b");
    assert_eq!(server.seen("/infill").len(), 3);
}
