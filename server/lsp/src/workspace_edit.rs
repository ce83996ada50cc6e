//! A change set as LSP's `WorkspaceEdit`: with the documents' versions where the client takes them, and what is doubtful to be confirmed.

use std::collections::BTreeMap;

use pilotlight_assist::{ChangeSet, Edit, FileChange, syntax::PositionEncoding};
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types as lsp;

use crate::{
    position,
    session::{Session, uri_of_document},
    uri,
};

/// What of a set is for this client: without change annotations nothing could be asked first, so what is doubtful is left.
pub(crate) fn for_client(session: &Session, set: ChangeSet) -> ChangeSet {
    let confirms = session.profile.get().is_some_and(|profile| profile.annotations && profile.document_changes);
    if confirms { set } else { set.certain() }
}

/// The edit as the client takes it ([`for_client`]).
///
/// # Errors
///
/// In words, where a document's text here is not to be trusted.
pub(crate) fn workspace_edit(session: &Session, set: &ChangeSet) -> Result<Value, String> {
    let profile = session.profile.get();
    let versioned = profile.is_some_and(|profile| profile.document_changes);
    let mut annotations: BTreeMap<String, Value> = BTreeMap::new();
    let (mut documents, mut plain) = (Vec::new(), serde_json::Map::new());
    for file in &set.files {
        let uri = uri_of(file)?;
        if let Ok(current) = session.documents.current(&uri)
            && let Some(because) = current.lost
        {
            return Err(format!("{uri}: the text here is out of sync with the editor's: {because}"));
        }
        let mut edits = Vec::new();
        for edit in &file.edits {
            let mut text_edit = text_edit(session, file, edit);
            if let Some(doubt) = &edit.doubt {
                text_edit["annotationId"] = json!(doubt);
                let annotation = json!({ "label": "To look at", "description": doubt, "needsConfirmation": true });
                annotations.insert(doubt.clone(), annotation);
            }
            edits.push(text_edit);
        }
        if file.creates {
            may_create(session, &uri)?;
            let options = json!({ "overwrite": false, "ignoreIfExists": false });
            documents.push(json!({ "kind": "create", "uri": uri, "options": options }));
        }
        if versioned {
            let version = file.document.as_ref().map(|_| file.before.version());
            documents.push(json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits }));
        } else {
            plain.insert(uri, Value::Array(edits));
        }
    }
    let mut edit = if versioned { json!({ "documentChanges": documents }) } else { json!({ "changes": plain }) };
    if !annotations.is_empty() {
        edit["changeAnnotations"] = json!(annotations);
    }
    Ok(edit)
}

/// Whether the client makes files by an edit; else why nothing is done.
pub(crate) fn may_create(session: &Session, file: impl std::fmt::Display) -> Result<(), String> {
    let creates = session.profile.get().is_some_and(|profile| profile.creates_files && profile.document_changes);
    if creates { Ok(()) } else { Err(format!("{file} would have to be created, and the client takes no such edits")) }
}

/// One edit in the client's positions.
pub(crate) fn text_edit(session: &Session, file: &FileChange, edit: &Edit) -> Value {
    let at = |offset| position_in(file, offset, session.encoding());
    json!({ "range": { "start": at(edit.range.start), "end": at(edit.range.end) }, "newText": edit.text })
}

/// A position as the client counts it once it has opened the file: a byte order mark, which a file that is not open has here as it is on the disk, is not in an editor's text.
fn position_in(file: &FileChange, offset: usize, encoding: PositionEncoding) -> lsp::Position {
    let mut position = file.before.position(offset, encoding);
    if position.line == 0 && file.document.is_none() && file.before.rope().get_char(0) == Some('\u{feff}') {
        let mark = file.before.position('\u{feff}'.len_utf8(), encoding).character;
        position.character = position.character.saturating_sub(mark);
    }
    position::to_lsp(position)
}

/// The client's own name for an open document; the URI of a file that is not open.
pub(crate) fn uri_of(file: &FileChange) -> Result<String, String> {
    match (&file.document, &file.path) {
        (Some(document), _) => Ok(uri_of_document(document).to_owned()),
        (None, Some(path)) => uri::from_path(path).ok_or_else(|| format!("{}: its name is not UTF-8", path.display())),
        (None, None) => Err("an unsaved buffer without a name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use pilotlight_assist::syntax::{Document, Language};

    use super::*;

    #[test]
    fn a_byte_order_mark_is_in_no_position_of_a_file_that_is_not_open() {
        let at = |text: &str, open: bool, offset, encoding| {
            let document = open.then(|| "1/file:///a.rs".into());
            let before = Document::open(Language::Rust, 0, text).snapshot();
            let file = FileChange { path: None, document, before, creates: false, edits: Vec::new() };
            let position = position_in(&file, offset, encoding);
            (position.line, position.character)
        };
        let text = "\u{feff}use a;\nuse b;\n";
        for encoding in [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32] {
            assert_eq!(at(text, false, 7, encoding), (0, 4));
            assert_eq!(at(text, false, 0, encoding), (0, 0));
            assert_eq!(at(text, false, 14, encoding), (1, 4));
            assert_eq!(at("use a;\n", false, 4, encoding), (0, 4));
        }
        assert_eq!(at(text, true, 7, PositionEncoding::Utf16), (0, 5), "the editor has told what its text is");
    }
}
