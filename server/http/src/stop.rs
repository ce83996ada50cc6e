//! `stop` as clients send it: absent, one text, or several.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

/// Reads `stop` as a list.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Option::<Stop>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Stop::One(one)) => vec![one],
        Some(Stop::Several(several)) => several,
    })
}
