//! Fields that a client sends as `null` where it has nothing to say: OpenAI's API calls them nullable.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the default.
pub(crate) fn default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
