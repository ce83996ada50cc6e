//! Renders chat templates for `tests/chat/run`: one JSON request a line, one JSON answer a line.
//!
//! `{"template", "bos", "eos", "messages", "tools"}` is answered by `{"text"}`, `{"refused"}` (the template's own words) or `{"failed"}`. `messages` and `tools` are JSON in a text, in the order
//! of which fields are written. With `"ordered": true` the messages go through what serves clients, which refuses no legal order.

use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

use pilotlight_engine::chat::{ChatError, template::Template, turns};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Request {
    template: String,
    bos: String,
    eos: String,
    messages: String,
    tools: Option<String>,
    #[serde(default)]
    ordered: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let named = HashMap::from([("bos_token".to_owned(), request.bos), ("eos_token".to_owned(), request.eos)]);
        let answer = match Template::new(&request.template, named) {
            Err(error) => json!({ "failed": error }),
            Ok(template) => {
                let messages = serde_json::from_str(&request.messages)?;
                let tools = request.tools.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
                let rendered = match request.ordered {
                    true => turns::rendered(&template, &messages, &tools, |value| value.clone()),
                    false => template.render(messages, tools),
                };
                match rendered {
                    Ok(text) => json!({ "text": text }),
                    Err(ChatError::Refused(words)) => json!({ "refused": words }),
                    Err(error) => json!({ "failed": error.to_string() }),
                }
            }
        };
        writeln!(std::io::stdout(), "{answer}")?;
    }
    Ok(())
}
