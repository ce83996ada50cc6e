//! JSON files, with the field named in the error.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::EngineError;

/// Reads the text of a JSON file; `path` is for messages.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, EngineError> {
    let malformed = |field: String, found: &serde_json::Error| {
        let field = if field == "." { "the whole file".into() } else { field };
        EngineError::malformed(path, field, "JSON of the form that transformers writes", found.to_string())
    };
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| malformed(e.path().to_string(), e.inner()))?;
    json.end().map_err(|e| malformed("the end".into(), &e))?;
    Ok(value)
}
