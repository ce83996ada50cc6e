//! `seed` as clients send it: absent, a number, or a negative one where any will do.

use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// Reads a seed; none where any will do.
pub(crate) fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Number>::deserialize(deserializer)?.and_then(|number| number.as_u64()))
}
