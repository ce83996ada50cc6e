//! What the bridge needs to know of a message: who must answer it, and what it is about. The rest of it is passed on unread.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::value::RawValue;
use tower_lsp::jsonrpc::Id;

/// The outside of a JSON-RPC message.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    result: bool,
    #[serde(default, deserialize_with = "present")]
    error: bool,
}

impl<'a> Envelope<'a> {
    /// `None` for what is not a message: whoever it is for will say so.
    pub(super) fn open(body: &'a [u8]) -> Option<Self> {
        // An array could be read as a struct's fields in order.
        body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(body).ok())?
    }

    /// The id, if it is one that can be answered.
    pub(super) fn id(&self) -> Option<Id> {
        self.id.and_then(|id| serde_json::from_str(id.get()).ok()).filter(|id| *id != Id::Null)
    }

    /// Whether it answers a request of the other side.
    pub(super) fn is_response(&self) -> bool {
        self.method.is_none() && (self.result || self.error)
    }
}

/// Present, if only as `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> String {
        match Envelope::open(body.as_bytes()) {
            Some(envelope) => format!("{:?} {:?} {}", envelope.id(), envelope.method, envelope.is_response()),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn envelopes() {
        assert_eq!(check(r#"{"id":1,"method":"a","params":{}}"#), "Some(Number(1)) Some(\"a\") false");
        assert_eq!(check(r#"{"method":"\u0061"}"#), "None Some(\"a\") false");
        assert_eq!(check(r#"{"id":"x","result":null}"#), "Some(String(\"x\")) None true");
        assert_eq!(check(r#"{"id":1.5,"method":"a"}"#), "None Some(\"a\") false");
        assert_eq!(check(r#"{"id":null,"error":{}}"#), "None None true");
        assert_eq!(check("[1]"), "nothing");
        assert_eq!(check("{"), "nothing");
    }
}
