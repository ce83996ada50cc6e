//! Who is answered, and what each may see.

use super::*;

/// What an unopened text's prompt is, and the same text's where it is open in an editor under `name`, asked by bob.
async fn prompts(name: &str, server: impl AsyncFn(Assistant) -> Server) -> [Value; 2] {
    let opened = assistant();
    let text = format!("import sys\n\n\n{PREFIX}{SUFFIX}");
    opened.open(format!("file:///w/{name}").into(), Some(format!("/w/{name}").into()), Language::Python, 0, &text);
    let mut prompts = [Value::Null, Value::Null];
    for (assistant, prompt) in [assistant(), opened].into_iter().zip(&mut prompts) {
        let server = server(assistant).await;
        let request = server.client.post(format!("http://{}/infill", server.address));
        let body = json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 1 });
        let answer = request.bearer_auth("bob-0123456789abcdef").json(&body).send().await.unwrap();
        *prompt = answer.json::<Value>().await.unwrap()["tokens_evaluated"].take();
        assert!(prompt.is_u64());
    }
    prompts
}

#[tokio::test]
async fn what_somebody_else_has_open_is_not_completed_for_who_has_a_token() {
    let [unopened, opened] = prompts("secret.py", of_two).await;
    assert_eq!(unopened, opened);
}

#[tokio::test]
async fn what_is_open_and_excluded_is_completed_for_nobody() {
    let plain = async |assistant| Server::start(assistant, Options::default(), Tokens::default()).await;
    let [unopened, opened] = prompts(".env", plain).await;
    assert_eq!(unopened, opened);
    let [unopened, opened] = prompts("sums.py", plain).await;
    assert_ne!(unopened, opened, "another file is recognised");
}

#[tokio::test]
async fn without_the_token_nobody_is_answered() {
    let token = "a-token-that-is-long-enough";
    let server = Server::start(assistant(), Options::default(), Tokens::one(token.into())).await;
    let url = format!("http://{}/v1/models", server.address);
    for given in [None, Some("a-token-that-is-long-enougj"), Some("")] {
        let mut request = server.client.get(&url);
        if let Some(given) = given {
            request = request.bearer_auth(given);
        }
        assert_eq!(request.send().await.unwrap().status(), 401, "{given:?}");
    }
    assert_eq!(server.client.get(&url).bearer_auth(token).send().await.unwrap().status(), 200);
    // A probe needs none.
    server.get("/health").await;
}

#[tokio::test]
async fn a_web_page_is_refused_where_no_token_is_asked_for() {
    let server = Server::plain().await;
    let url = format!("http://{}/v1/models", server.address);
    for (header, value, status) in [
        ("origin", "https://example.com", 403),
        ("origin", "http://203.0.113.7", 403),
        ("origin", "http://127.0.0.1:3000", 200),
        ("origin", "http://[::1]:3000", 200),
        ("host", "203.0.113.7", 200),
        ("host", "rebound.example.com", 403),
        ("origin", "http://localhost:3000", 200),
        ("host", "localhost:1", 200),
    ] {
        let response = server.client.get(&url).header(header, value).send().await.unwrap();
        assert_eq!(response.status(), status, "{header}: {value}");
    }
}

#[test]
fn a_file_of_tokens_is_read_or_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("tokens");
        std::fs::write(&path, text).unwrap();
        Tokens::read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "tokens"))
    };
    assert!(!read("# the team\n\n0123456789abcdef\n").unwrap().is_empty());
    assert_eq!(read("# none\n").unwrap_err(), "tokens: expected one token a line, found none");
    let weak = "tokens: line 2: expected a token of at least 16 characters without blanks";
    assert_eq!(read("0123456789abcdef\nshort\n").unwrap_err(), weak);
    let quota = "tokens: line 1: expected requests-per-minute=N or tokens-per-minute=N behind the token, found `requests-per-minute=many`";
    assert_eq!(read("ana 0123456789abcdef requests-per-minute=many\n").unwrap_err(), quota);
    assert_eq!(read("ana 0123456789abcdef\nana 0123456789abcdeg\n").unwrap_err(), "tokens: line 2: the user ana twice");
    let same = read("ana 0123456789abcdef\nbob 0123456789abcdef\n").unwrap_err();
    assert_eq!(same, "tokens: line 2: the token of bob twice");
    let users = read("ana 0123456789abcde= requests-per-minute=2\n0123456789abcdef\n").unwrap();
    let users: Vec<_> = users.iter().map(|token| (token.user.as_str(), token.quota.requests_per_minute)).collect();
    assert_eq!(users, [("ana", Some(2)), ("token 2", None)]);
    assert!(Tokens::read(&folder.path().join("missing")).unwrap_err().to_string().contains("missing"));
}

#[tokio::test]
async fn a_user_beyond_the_quota_waits_and_the_others_do_not() {
    let server = of_two(assistant()).await;
    let ask = async |user: &str| {
        // All tests share an engine: what nobody else asks is nobody else's in the cache.
        let body = json!({ "prompt": format!("{PREFIX}{user}"), "suffix": SUFFIX, "max_tokens": 2 });
        let request = server.client.post(format!("http://{}/v1/completions", server.address));
        request.bearer_auth(format!("{user}-0123456789abcdef")).json(&body).send().await.unwrap()
    };
    assert_eq!([ask("ana").await.status(), ask("ana").await.status()], [200, 200]);
    let refused = ask("ana").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["message"], "ana may have 2 requests a minute, and has had them");
    assert_eq!(body["error"]["type"], "rate_limit_exceeded");
    assert_eq!(ask("bob").await.status(), 200);

    let status = server.client.get(format!("http://{}/status", server.address));
    let status: Value = status.bearer_auth("bob-0123456789abcdef").send().await.unwrap().json().await.unwrap();
    let users: Vec<_> = status["users"].as_array().unwrap().iter().collect();
    let counts = |user: &Value| (user["name"].clone(), user["answered"].clone(), user["refused"].clone());
    assert_eq!(counts(users[0]), (json!("ana"), json!(2), json!(1)));
    assert_eq!(counts(users[1]), (json!("bob"), json!(1), json!(0)));
    let clients: Vec<_> = status["cache"].as_array().unwrap().iter().map(|it| it["client"].clone()).collect();
    assert!(clients.contains(&json!("bob")), "who used a page last: {clients:?}");
}

#[tokio::test]
async fn other_peoples_files_are_not_in_the_status() {
    let assistant = assistant();
    let text = "def greet(name):\n    print(name)\n";
    assistant.open("file:///w/secret.py".into(), Some("/w/secret.py".into()), Language::Python, 0, text);
    let request = pilotlight_assist::CompletionRequest {
        document: "file:///w/secret.py".into(),
        cursor: text.len(),
        snapshot: assistant.snapshot(&"file:///w/secret.py".into()).unwrap(),
        trigger: pilotlight_assist::Trigger::Invoked,
    };
    assistant.complete(request, Default::default()).await;
    let server = of_two(assistant).await;
    let status = server.client.get(format!("http://{}/status", server.address)).bearer_auth("ana-0123456789abcdef");
    let status = status.send().await.unwrap().text().await.unwrap();
    assert!(status.contains("python") && !status.contains("secret"), "{status}");
    // The page itself has nothing in it, and asks for the token.
    assert!(server.get("/").await.contains("asks for a token"));
    assert_eq!(server.client.get(format!("http://{}/status", server.address)).send().await.unwrap().status(), 401);
}

/// A server of two users: ana may ask twice a minute.
async fn of_two(assistant: Assistant) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "ana ana-0123456789abcdef requests-per-minute=2\nbob bob-0123456789abcdef\n").unwrap();
    Server::start(assistant, Options::default(), Tokens::read(&path).unwrap()).await
}
