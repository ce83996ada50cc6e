//! Chat: a model's own template turns messages and tools into a prompt.
//!
//! Templates are Jinja2's, in the environment that transformers gives them ([`template`]). What a template spells out as a special token becomes its id; the same spelled in a message
//! stays text ([`marks`]). Templates that insist on turns in one order get them so ([`turns`]): no legal order of messages is refused.

mod marks;
pub mod template;
pub mod turns;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, path::Path};

use minijinja::Value;

use crate::{
    EngineError, Tokenizer,
    remote::{ASSISTANT_PART, SYSTEM_PART, USER_PART},
};
use marks::Marks;
use template::Template;

/// How a model is talked to.
#[derive(Debug)]
pub struct Chat {
    way: Way,
    /// Ids that end an answer.
    stops: Vec<u32>,
}

/// Who writes the prompt.
#[derive(Debug)]
enum Way {
    /// A model's template, and the special tokens that it may spell.
    Template(Box<(Template, Marks)>),
    /// The model's server: the messages stand behind markers of their roles, system, user and assistant.
    Parts([u32; 3]),
}

/// Why messages are no prompt.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// They are not what chat takes.
    #[error("{place}: expected {expected}, found {found}")]
    Message {
        /// `messages[2].role`, say.
        place: String,
        /// In words.
        expected: &'static str,
        /// In words.
        found: String,
    },
    /// The template refuses them, in its own words.
    #[error("the model's chat template refuses the messages: {0}")]
    Refused(String),
    /// The template cannot be run here.
    #[error("the model's chat template fails: {0}")]
    Template(String),
}

/// A part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A special token that the template spells.
    Special(u32),
    /// Text, which stays text.
    Text(String),
}

/// Special tokens that end a turn in the families that chat, beside the model's own end.
const TURN_ENDS: [&str; 8] =
    ["<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|end_of_text|>", "<|endoftext|>"];

impl Chat {
    /// Reads a template; `named` are the tokens that it may call by name: `bos_token`, `eos_token`.
    pub(crate) fn new(
        file: &Path,
        source: &str,
        named: HashMap<String, String>,
        tokenizer: &Tokenizer,
    ) -> Result<Self, EngineError> {
        let template = Template::new(source, named)
            .map_err(|error| EngineError::malformed(file, "chat template", "a Jinja template", error))?;
        let stops = TURN_ENDS.iter().filter_map(|name| tokenizer.special(name)).collect();
        Ok(Self { way: Way::Template(Box::new((template, Marks::new(tokenizer.special_names())))), stops })
    }

    /// With a server that writes the prompt; `None` where the tokenizer has no markers of roles.
    pub(crate) fn of_parts(tokenizer: &Tokenizer) -> Option<Self> {
        let [system, user, assistant] =
            [SYSTEM_PART, USER_PART, ASSISTANT_PART].map(|marker| tokenizer.special(marker));
        Some(Self { way: Way::Parts([system?, user?, assistant?]), stops: Vec::new() })
    }

    /// The prompt that asks for the next answer. `messages` and `tools` are JSON as OpenAI's clients send it.
    ///
    /// # Errors
    ///
    /// They are not that, or the template cannot say them.
    pub fn prompt(&self, messages: &str, tools: Option<&str>) -> Result<Vec<Piece>, ChatError> {
        let parse = |place: &str, text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| ChatError::Message {
                place: place.to_owned(),
                expected: "JSON",
                found: error.to_string(),
            })
        };
        let messages = parse("messages", messages)?;
        let tools = tools.map(|tools| parse("tools", tools)).transpose()?.unwrap_or_default();
        let (template, marks) = match &self.way {
            Way::Template(both) => (&both.0, &both.1),
            Way::Parts(roles) => return parts(*roles, &messages, &tools),
        };
        let seal = marks.seal(&[&messages, &tools]);
        let rendered = turns::rendered(template, &messages, &tools, |value| seal.value(value))?;
        Ok(seal.pieces(&rendered))
    }

    /// The same as ids.
    ///
    /// # Errors
    ///
    /// As [`Chat::prompt`].
    pub fn encode(&self, tokenizer: &Tokenizer, messages: &str, tools: Option<&str>) -> Result<Vec<u32>, ChatError> {
        let mut ids = Vec::new();
        for piece in self.prompt(messages, tools)? {
            match piece {
                Piece::Special(id) => ids.push(id),
                Piece::Text(text) => ids.extend(tokenizer.encode(&text)),
            }
        }
        Ok(ids)
    }

    /// Ids that end an answer, beside the model's own.
    pub fn stops(&self) -> &[u32] {
        &self.stops
    }
}

/// Each message's text behind the marker of its role.
fn parts([system, user, assistant]: [u32; 3], messages: &Value, tools: &Value) -> Result<Vec<Piece>, ChatError> {
    let words = "words alone: this model's server is not asked to call tools";
    let refused = |place: String, found: String| ChatError::Message { place, expected: words, found };
    if tools.len().is_some_and(|tools| tools > 0) {
        return Err(refused("tools".to_owned(), "some".to_owned()));
    }
    let mut pieces = Vec::new();
    for (at, (role, text)) in turns::spoken(messages)?.into_iter().enumerate() {
        let marker = match role.as_str() {
            "system" => system,
            "user" => user,
            "assistant" => assistant,
            other => return Err(refused(format!("messages[{at}].role"), other.to_owned())),
        };
        pieces.extend([Piece::Special(marker), Piece::Text(text)]);
    }
    Ok(pieces)
}
