//! `prompt` as clients of OpenAI's completions send it: one text, or a list of one.

use serde::{Deserialize, Deserializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    One(String),
    Several(Vec<String>),
}

/// Reads a prompt.
pub(crate) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Prompt::deserialize(deserializer) {
        Ok(Prompt::One(one)) => Ok(one),
        Ok(Prompt::Several(several)) => {
            let found = several.len();
            <[String; 1]>::try_from(several)
                .map(|[one]| one)
                .map_err(|_| D::Error::custom(format!("expected one prompt, found {found}")))
        }
        Err(_) => Err(D::Error::custom("expected a prompt that is a text or a list of one text")),
    }
}
