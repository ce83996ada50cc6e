//! `textDocument/completion`: the same text in the menu, for editors without ghost text.

use std::time::Duration;

use pilotlight_assist::Trigger;
use tower_lsp::{
    gen_lsp_types::{
        CompletionItem, CompletionItemKind, CompletionList, CompletionParams, InsertTextFormat, InsertTextMode,
        MarkupContent, MarkupKind, TextEdit,
    },
    jsonrpc::Result,
};

use crate::{
    ghost::{Ask, Ghost, ghost},
    position,
    session::Session,
};

/// Sorts behind whatever another server names: a guess must not push the known names down.
const LAST: &str = "\u{10ffff}";
/// Characters of a line that fit in a menu.
const LABEL: usize = 60;

/// Some editors show a menu only when every server has answered: names that others know are not to wait for a model.
const PATIENCE: Duration = Duration::from_millis(150);

/// One item, or none. The list is incomplete: what is offered changes with each character typed.
pub(crate) async fn handle(session: &Session, params: CompletionParams) -> Result<CompletionList> {
    let at = params.text_document_position_params;
    let mut list = CompletionList { is_incomplete: true, ..CompletionList::default() };
    if !session.menu() {
        // The client shows ghost text, and asked all the same: nothing is shown twice.
        list.is_incomplete = false;
        return Ok(list);
    }
    let ask = Ask {
        uri: at.text_document.uri.0,
        version: None,
        position: position::from_lsp(at.position),
        // Typing a word counts as invoked here (LSP 3.17, `CompletionTriggerKind`), so nothing tells a person's key from an editor's habit.
        trigger: Trigger::Automatic,
        selected: None,
        whole_word: true,
        patience: Some(PATIENCE),
    };
    list.items = ghost(session, ask).await?.map(item).into_iter().collect();
    Ok(list)
}

fn item(ghost: Ghost) -> CompletionItem {
    CompletionItem {
        label: label(&ghost.text),
        kind: Some(CompletionItemKind::Text),
        detail: Some("pilotlight".to_owned()),
        documentation: ghost
            .text
            .contains('\n')
            .then(|| MarkupContent { kind: MarkupKind::PlainText, value: ghost.text.clone() }.into()),
        sort_text: Some(LAST.to_owned()),
        filter_text: Some(ghost.text.clone()),
        insert_text_format: Some(InsertTextFormat::PlainText),
        // Its lines are indented already.
        insert_text_mode: Some(InsertTextMode::AsIs),
        command: Some(ghost.accept()),
        text_edit: Some(TextEdit { range: ghost.range, new_text: ghost.text }.into()),
        ..CompletionItem::default()
    }
}

/// The first line that says something, cut to what a menu has room for; `…` for what is left out.
fn label(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let short: String = line.chars().take(LABEL).collect();
    let whole = short.len() == text.trim().len();
    if whole { short } else { format!("{}…", short.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels() {
        assert_eq!(label("println!()"), "println!()");
        assert_eq!(label(" x;\n"), "x;");
        assert_eq!(label("\n    if x {\n    }"), "if x {…");
        assert_eq!(label(&"é".repeat(61)), format!("{}…", "é".repeat(60)));
        assert_eq!(label(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(label(""), "");
    }
}
