//! Fields as clients give them: absent, `null` where there is nothing to say (OpenAI's API calls them nullable), one text or a list.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Number;

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(one) => vec![one],
            Texts::Several(several) => several,
        }
    }
}

/// `null` is the default.
pub(crate) fn null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `seed`; none where any will do, which some say by a negative one.
pub(crate) fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Number>::deserialize(deserializer)?.and_then(|number| number.as_u64()))
}

/// `stop`: none, one text, or several.
pub(crate) fn stops<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Texts>::deserialize(deserializer)?.map_or_else(Vec::new, Vec::from))
}

/// `prompt` of OpenAI's completions: one text, or a list of one.
pub(crate) fn prompt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = Texts::deserialize(deserializer);
    let given = given.map_err(|_| D::Error::custom("expected a prompt that is a text or a list of one text"))?;
    <[String; 1]>::try_from(Vec::from(given))
        .map(|[one]| one)
        .map_err(|several| D::Error::custom(format!("expected one prompt, found {}", several.len())))
}
