//! What a text takes from other files, by `queries/<language>/imports.scm`.

use std::ops::Range;

use tree_sitter::Node;

use crate::{
    Language, Snapshot,
    queries::{self, Purpose},
};

/// One name (or all of them) of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module as written, without quotes and angle brackets; of a Rust `use` tree, the whole path to the name.
    pub module: String,
    /// The name in that module; `None` for the module itself, or for all it has.
    pub name: Option<String>,
    /// What it is called here, where that is another name.
    pub alias: Option<String>,
    /// The bytes of the name, or of the module.
    pub range: Range<usize>,
}

impl Snapshot {
    /// The imports in the order of the text. Empty for plain text.
    pub fn imports(&self) -> Vec<Import> {
        let Some(query) = queries::compiled(self.language(), Purpose::Imports) else { return Vec::new() };
        let names = query.capture_names();
        // Of `a::{b, c::{d}}`: the bytes of each brace's owner, and its path.
        let mut groups: Vec<(Range<usize>, String)> = Vec::new();
        let mut found: Vec<Import> = Vec::new();
        let done = self.matches(Purpose::Imports, |_, captures| {
            let capture = |wanted: &str| {
                captures.iter().find(|capture| names[capture.index as usize] == wanted).map(|capture| capture.node)
            };
            let text = |node: Node| self.slice(node.byte_range());
            if let (Some(group), Some(prefix)) = (capture("import.group"), capture("import.prefix")) {
                groups.push((group.byte_range(), text(prefix)));
                return;
            }
            let (module, name) = (capture("import.module"), capture("import.name"));
            let Some(place) = name.or(module) else { return };
            found.push(Import {
                module: module.map(|node| unquoted(&text(node))).unwrap_or_default(),
                name: name.map(text),
                alias: capture("import.alias").map(text),
                range: place.byte_range(),
            });
        });
        if done.is_none() {
            return Vec::new();
        }
        groups.sort_by_key(|(range, _)| range.start);
        let separator = if self.language() == Language::Rust { "::" } else { "." };
        for import in &mut found {
            let around = groups.iter().filter(|(range, _)| range.contains(&import.range.start));
            let path: Vec<&str> = around
                .map(|(_, prefix)| prefix.as_str())
                .chain([import.module.as_str()])
                .filter(|part| !part.is_empty())
                .collect();
            import.module = path.join(separator);
        }
        found.sort_by_key(|import| (import.range.start, import.alias.is_none()));
        // Where a special pattern gave the same place an alias, the general one says nothing more.
        found.dedup_by(|later, kept| later.range == kept.range && later.name == kept.name);
        found
    }
}

/// Without the quotes or angle brackets of `"x"`, `'x'` and `<x>`.
fn unquoted(text: &str) -> String {
    text.trim_matches(['"', '\'', '`', '<', '>']).to_owned()
}
