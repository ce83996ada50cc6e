//! Messages as clients send them: checked, and, for templates that insist, in turns.

use minijinja::{Value, value::ValueKind};

use super::{ChatError, template::Template};

/// What stands in a turn that a template insists on and nobody took.
const EMPTY_TURN: &str = "...";

type Message = Vec<(String, Value)>;

/// The prompt of a conversation; `prepared` is done to all that the template gets. What the template takes as it is, it gets as it is; else in turns.
///
/// # Errors
///
/// They are no messages, or the template cannot say them.
pub fn rendered(
    template: &Template,
    messages: &Value,
    tools: &Value,
    prepared: impl Fn(&Value) -> Value,
) -> Result<String, ChatError> {
    let messages = check(messages)?;
    let render = |messages: &Value| template.render(prepared(messages), prepared(tools));
    let first = match render(&messages) {
        // Templates of models that only read know no list of parts.
        Err(failed) => render(&texts_of(&messages)).map_err(|_| failed),
        rendered => rendered,
    };
    first.or_else(|failed| render(&ordered(&messages)).or(Err(failed)))
}

/// The messages' roles and texts.
///
/// # Errors
///
/// They are no messages.
pub(super) fn spoken(messages: &Value) -> Result<Vec<(String, String)>, ChatError> {
    let messages = check(messages)?;
    let spoken = |message: Value| {
        let fields = fields(&message);
        (role(&fields).to_owned(), text(&get(&fields, "content")))
    };
    Ok(messages.try_iter().into_iter().flatten().map(spoken).collect())
}

/// The messages with each list of parts as a text.
fn texts_of(messages: &Value) -> Value {
    let plain = |message: Value| {
        let mut fields = fields(&message);
        let content = text(&get(&fields, "content"));
        set(&mut fields, "content", Value::from(content));
        value(fields)
    };
    messages.try_iter().into_iter().flatten().map(plain).collect()
}

/// The messages with what OpenAI's clients leave to the server: a call's arguments as an object, `developer` as `system`.
fn check(messages: &Value) -> Result<Value, ChatError> {
    let error = |place: String, expected, found: String| Err(ChatError::Message { place, expected, found });
    if messages.kind() != ValueKind::Seq || messages.len() == Some(0) {
        return error("messages".to_owned(), "a list with a message", messages.kind().to_string());
    }
    let mut checked = Vec::new();
    for (at, message) in messages.try_iter().into_iter().flatten().enumerate() {
        if message.kind() != ValueKind::Map {
            return error(format!("messages[{at}]"), "an object", message.kind().to_string());
        }
        let mut fields = fields(&message);
        let role = get(&fields, "role");
        match role.as_str() {
            Some("system" | "user" | "assistant" | "tool") => {}
            Some("developer") => set(&mut fields, "role", Value::from("system")),
            _ => {
                let expected = "system, developer, user, assistant or tool";
                return error(format!("messages[{at}].role"), expected, role.to_string());
            }
        }
        let content = get(&fields, "content");
        match content.kind() {
            ValueKind::String | ValueKind::Seq => {}
            // Left out where an assistant only calls tools.
            ValueKind::None | ValueKind::Undefined => set(&mut fields, "content", Value::from("")),
            kind => return error(format!("messages[{at}].content"), "a text or a list of parts", kind.to_string()),
        }
        let calls = get(&fields, "tool_calls");
        if calls.kind() == ValueKind::Seq {
            let calls: Value = calls.try_iter().into_iter().flatten().map(|call| parsed(&call)).collect();
            set(&mut fields, "tool_calls", calls);
        } else {
            fields.retain(|(name, _)| name != "tool_calls");
        }
        checked.push(value(fields));
    }
    Ok(checked.into_iter().collect())
}

/// A call with its arguments parsed, as transformers' templates expect them; what is no JSON stays a text.
fn parsed(call: &Value) -> Value {
    let mut outer = fields(call);
    let mut function = fields(&get(&outer, "function"));
    if let Some(text) = get(&function, "arguments").as_str()
        && let Ok(arguments) = serde_json::from_str::<Value>(text)
        && arguments.kind() == ValueKind::Map
    {
        set(&mut function, "arguments", arguments);
    }
    set(&mut outer, "function", value(function));
    value(outer)
}

/// The same conversation in the order that the strictest templates want: one system message, then user and assistant in turn, beginning with the user; calls and their results between
/// them. Neighbours of one role become one message; a system message on the way speaks as the user; a turn that nobody took says as little as it can.
fn ordered(messages: &Value) -> Value {
    let mut out: Vec<Message> = Vec::new();
    for message in messages.try_iter().into_iter().flatten() {
        let mut now = fields(&message);
        if role(&now) == "system" && out.iter().any(|before| role(before) != "system") {
            set(&mut now, "role", Value::from("user"));
        }
        let calls = !get(&now, "tool_calls").is_undefined();
        let content = text(&get(&now, "content"));
        set(&mut now, "content", Value::from(content));
        let last = out.last().map_or("", |last| role(last)).to_owned();
        match (last.as_str(), role(&now)) {
            ("system", "system") | ("user", "user") => {
                join(&mut out, &now);
                continue;
            }
            // Calls that were answered or not: what an assistant says behind its own words is one message with them.
            ("assistant", "assistant") if !out.last().is_some_and(called) => {
                join(&mut out, &now);
                if calls && let Some(last) = out.last_mut() {
                    set(last, "tool_calls", get(&now, "tool_calls"));
                }
                continue;
            }
            ("" | "system", "assistant" | "tool") => out.push(said("user", EMPTY_TURN)),
            ("tool", "user") => out.push(said("assistant", EMPTY_TURN)),
            ("assistant", "user") if out.last().is_some_and(called) => out.push(said("assistant", EMPTY_TURN)),
            _ => {}
        }
        if role(&now) == "assistant" && !calls && get(&now, "content").as_str() == Some("") {
            set(&mut now, "content", Value::from(EMPTY_TURN));
        }
        out.push(now);
    }
    if out.iter().all(|message| role(message) == "system") {
        out.push(said("user", EMPTY_TURN));
    }
    out.into_iter().map(value).collect()
}

fn join(out: &mut [Message], now: &Message) {
    let Some(last) = out.last_mut() else { return };
    let (before, after) = (text(&get(last, "content")), text(&get(now, "content")));
    let blank = if before.is_empty() || after.is_empty() { "" } else { "\n\n" };
    set(last, "content", Value::from(before + blank + &after));
}

/// A content's text: of parts, those that are text.
fn text(content: &Value) -> String {
    match content.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let parts = content.try_iter().into_iter().flatten();
            let texts = parts.filter_map(|part| Some(part.get_attr("text").ok()?.as_str()?.to_owned()));
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

fn called(message: &Message) -> bool {
    get(message, "tool_calls").len().is_some_and(|calls| calls > 0)
}

fn role(message: &Message) -> &str {
    message.iter().find(|(name, _)| name == "role").and_then(|(_, role)| role.as_str()).unwrap_or_default()
}

fn said(role: &str, content: &str) -> Message {
    vec![("role".to_owned(), Value::from(role)), ("content".to_owned(), Value::from(content))]
}

fn fields(value: &Value) -> Message {
    let keys = value.try_iter().into_iter().flatten().filter(|_| value.kind() == ValueKind::Map);
    keys.map(|key| (key.to_string(), value.get_item(&key).unwrap_or_default())).collect()
}

fn value(fields: Message) -> Value {
    Value::from_pairs(fields)
}

fn get(fields: &[(String, Value)], name: &str) -> Value {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn set(fields: &mut Message, name: &str, value: Value) {
    match fields.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => fields.push((name.to_owned(), value)),
    }
}
