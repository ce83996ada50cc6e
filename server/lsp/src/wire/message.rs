//! What a body says: a request, a notification, or a response; and the error for one that says nothing.

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// A message from the client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A request or notification.
    Request(Request),
    /// The answer to a request of ours.
    Response(Value),
}

impl Incoming {
    /// Reads one body; the error is the response to it (JSON-RPC 2.0, section 5: with the request's id where that can be read, else with `null`).
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Box<Response>> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| refusal(Id::Null, ErrorCode::ParseError, format!("the body is not JSON: {error}")))?;
        if value.get("method").is_none() && (value.get("result").is_some() || value.get("error").is_some()) {
            return Ok(Self::Response(value));
        }
        let id = value.get("id").and_then(|id| Id::deserialize(id).ok()).unwrap_or_default();
        let invalid = |why: String| refusal(id.clone(), ErrorCode::InvalidRequest, why);
        if value.get("method").and_then(Value::as_str).is_none() {
            return Err(invalid("expected an object with a string `method`: LSP has no batches".to_owned()));
        }
        Request::deserialize(value)
            .map(Self::Request)
            .map_err(|error| invalid(format!("not a JSON-RPC 2.0 request: {error}")))
    }
}

/// An error response that says more than its code.
pub(crate) fn refusal(id: Id, code: ErrorCode, message: String) -> Box<Response> {
    Box::new(Response::from_error(id, Error { code, message: message.into(), data: None }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(body: &str) -> String {
        match Incoming::parse(body.as_bytes()) {
            Ok(Incoming::Request(request)) => format!("request {:?} {}", request.id(), request.method()),
            Ok(Incoming::Response(_)) => "response".to_owned(),
            Err(response) => format!("{} {}", response.id(), response.error().unwrap().code),
        }
    }

    #[test]
    fn bodies() {
        assert_eq!(check(r#"{"jsonrpc":"2.0","method":"a","id":1}"#), "request Some(Number(1)) a");
        assert_eq!(check(r#"{"jsonrpc":"2.0","method":"a"}"#), "request None a");
        assert_eq!(check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#), "response");
        assert_eq!(check("{"), "null -32700");
        assert_eq!(check("\u{0}"), "null -32700");
        assert_eq!(check(&"[".repeat(100_000)), "null -32700");
        assert_eq!(check(r#"{"jsonrpc":"1.0","method":"a","id":7}"#), "7 -32600");
        assert_eq!(check(r#"{"jsonrpc":"2.0","method":1,"id":"x"}"#), r#""x" -32600"#);
        assert_eq!(check(r#"{"jsonrpc":"2.0","method":"a","id":1.5}"#), "null -32600");
        assert_eq!(check(r#"[{"jsonrpc":"2.0","method":"a","id":1}]"#), "null -32600");
        assert_eq!(check("7"), "null -32600");
    }
}
