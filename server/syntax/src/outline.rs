//! What a text defines: its functions, types and members, by `queries/<language>/outline.scm`.

use std::{collections::HashMap, ops::Range};

use crate::{
    Snapshot,
    queries::{self, Purpose},
};

/// What kind of thing a name stands for: the `<kind>` of the captures `@definition.<kind>` (`queries/README.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[allow(missing_docs)]
pub enum DefinitionKind {
    Function,
    Method,
    Constructor,
    Class,
    Struct,
    Union,
    Enum,
    Variant,
    Interface,
    Trait,
    Implementation,
    Module,
    Type,
    Constant,
    Variable,
    Field,
    Macro,
    Parameter,
    Import,
}

/// One definition of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// As written. Of a Rust `impl`, its type; of a C++ member out of line, with its class.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// The bytes of all of it.
    pub range: Range<usize>,
    /// The bytes of its name.
    pub name_range: Range<usize>,
    /// The index, in the outline, of the smallest item around it.
    pub parent: Option<usize>,
}

impl Snapshot {
    /// The definitions in the order of the text, an outer one before those in it. Empty for plain text, and
    /// where it would take more than a second. Reads the whole tree: not at every keystroke.
    pub fn outline(&self) -> Vec<Item> {
        let Some(query) = queries::compiled(self.language(), Purpose::Outline) else { return Vec::new() };
        let names = query.capture_names();
        // By the name's node: where several patterns take the same one, the last pattern of the file says more.
        let mut found: HashMap<usize, (usize, Item)> = HashMap::new();
        let done = self.matches(Purpose::Outline, |pattern, captures| {
            let name = captures.iter().find(|capture| names[capture.index as usize] == "name");
            let definition = captures.iter().find_map(|capture| {
                let kind = names[capture.index as usize].strip_prefix("definition.")?;
                Some((DefinitionKind::from_name(kind)?, capture.node))
            });
            let (Some(name), Some((kind, node))) = (name, definition) else { return };
            if found.get(&name.node.id()).is_some_and(|&(earlier, _)| earlier > pattern) {
                return;
            }
            let name_range = name.node.byte_range();
            let text = self.slice(name_range.clone());
            let item = Item { name: text, kind, range: node.byte_range(), name_range, parent: None };
            found.insert(name.node.id(), (pattern, item));
        });
        if done.is_none() {
            return Vec::new();
        }
        let mut items: Vec<Item> = found.into_values().map(|(_, item)| item).collect();
        items.sort_by_key(|item| (item.range.start, usize::MAX - item.range.end, item.name_range.start));
        let mut around: Vec<usize> = Vec::new();
        for index in 0..items.len() {
            while around.last().is_some_and(|&outer| items[outer].range.end < items[index].range.end) {
                around.pop();
            }
            // Two names of one declaration (`x, y: int`) stand beside each other.
            let parent = around.last().copied();
            let beside = parent.filter(|&outer| items[outer].range == items[index].range);
            items[index].parent = beside.map_or(parent, |outer| items[outer].parent);
            if beside.is_none() {
                around.push(index);
            }
        }
        items
    }
}

impl DefinitionKind {
    /// The `<kind>` of a capture `@definition.<kind>`, and what it says.
    const NAMES: [(&str, Self); 19] = [
        ("function", Self::Function),
        ("method", Self::Method),
        ("constructor", Self::Constructor),
        ("class", Self::Class),
        ("struct", Self::Struct),
        ("union", Self::Union),
        ("enum", Self::Enum),
        ("variant", Self::Variant),
        ("interface", Self::Interface),
        ("trait", Self::Trait),
        ("implementation", Self::Implementation),
        ("module", Self::Module),
        ("type", Self::Type),
        ("constant", Self::Constant),
        ("variable", Self::Variable),
        ("field", Self::Field),
        ("macro", Self::Macro),
        ("parameter", Self::Parameter),
        ("import", Self::Import),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
    }

    /// In one lower-case word: `function`.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |&(name, _)| name)
    }

    /// Whether its name is known in all of its scope, and not only behind it.
    pub fn is_hoisted(self) -> bool {
        self != Self::Variable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Language};

    #[test]
    fn items_know_the_item_around_them() {
        let text = "package a\n\ntype A struct {\n\tX, Y int\n\tB struct{ Z int }\n}\n\nfunc c() {}\n";
        let outline = Document::open(Language::Go, 0, text).snapshot().outline();
        let parent = |item: &Item| item.parent.map_or("-", |parent| outline[parent].name.as_str());
        let found: Vec<_> = outline.iter().map(|item| (item.name.as_str(), item.kind, parent(item))).collect();
        use DefinitionKind::{Field, Function, Struct};
        let expected = [
            ("A", Struct, "-"),
            ("X", Field, "A"),
            ("Y", Field, "A"),
            ("B", Field, "A"),
            ("Z", Field, "B"),
            ("c", Function, "-"),
        ];
        assert_eq!(found, expected);
        assert!(Document::open(Language::Plain, 0, text).snapshot().outline().is_empty());
    }
}
