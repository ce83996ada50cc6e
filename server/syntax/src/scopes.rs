//! What the names of one text mean: scopes, definitions, and references resolved to them, by `queries/<language>/scopes.scm`.
//!
//! This is the lexical part of name resolution, the same for all languages: the smallest scope around a reference that defines its name
//! has it. What depends on types, imports or inheritance stays unresolved.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use tree_sitter::Node;

use crate::{
    DefinitionKind, Snapshot,
    queries::{self, Purpose},
};

/// The names of one text. The indices in it are into its own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    /// In the order of the text, an outer one before those in it. The first is the whole text.
    pub scopes: Vec<Scope>,
    /// In the order of the text.
    pub definitions: Vec<Definition>,
    /// In the order of the text.
    pub references: Vec<Reference>,
}

/// A stretch of text outside of which its definitions are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its bytes.
    pub range: Range<usize>,
    /// The smallest scope around it.
    pub parent: Option<usize>,
}

/// A name that is given a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// Of what.
    pub kind: DefinitionKind,
    /// The bytes of the name.
    pub range: Range<usize>,
    /// The scope in which it is known.
    pub scope: usize,
    /// The byte from which it is known.
    pub from: usize,
}

/// A name that is used, and not qualified by what stands before it (as `b` is in `a.b`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// Its bytes.
    pub range: Range<usize>,
    /// The definition it means; `None` for names from elsewhere.
    pub definition: Option<usize>,
}

impl Snapshot {
    /// The names of this text. Empty for plain text, and where it would take more than a second. Reads the whole tree: not at every
    /// keystroke.
    pub fn scopes(&self) -> Scopes {
        let Some(query) = queries::compiled(self.language(), Purpose::Scopes) else { return Scopes::default() };
        let names = query.capture_names();
        let whole = 0..self.rope().len_bytes();
        let mut scopes: Vec<Range<usize>> = vec![whole];
        let mut definitions: HashMap<usize, (usize, Named)> = HashMap::new();
        let mut references: Vec<Node> = Vec::new();
        let mut qualified: HashSet<usize> = HashSet::new();
        let mut outer: Vec<Node> = Vec::new();
        let done = self.matches(Purpose::Scopes, |pattern, captures| {
            let item =
                captures.iter().find(|capture| names[capture.index as usize] == "item").map(|capture| capture.node);
            for capture in captures {
                let (name, node) = (names[capture.index as usize], capture.node);
                match name {
                    "scope" => scopes.push(node.byte_range()),
                    "reference" => references.push(node),
                    "outer" => outer.push(node),
                    "qualified" => _ = qualified.insert(node.id()),
                    _ => {
                        let kind = name.strip_prefix("definition.").and_then(DefinitionKind::from_name);
                        // As in the outline: the last pattern of the file says more.
                        if let Some(kind) = kind
                            && definitions.get(&node.id()).is_none_or(|&(earlier, _)| earlier <= pattern)
                        {
                            definitions.insert(node.id(), (pattern, Named { kind, node, item }));
                        }
                    }
                }
            }
        });
        if done.is_none() {
            return Scopes::default();
        }
        definitions.retain(|node, _| !qualified.contains(node));
        references.retain(|node| !definitions.contains_key(&node.id()) && !qualified.contains(&node.id()));
        references.sort_by_key(Node::start_byte);
        references.dedup();
        let mut found = Scopes::nested(scopes);
        let mut definitions: Vec<Named> = definitions.into_values().map(|(_, named)| named).collect();
        definitions.sort_by_key(|named| named.node.start_byte());
        found.definitions = definitions.into_iter().map(|named| self.definition(&found, &named)).collect();
        found.references = references.into_iter().map(|node| self.reference(node)).collect();
        for node in outer {
            let scope = found.around(node.start_byte(), |scope| scope.end >= node.end_byte());
            found.take_from_outside(scope, &self.slice(node.byte_range()));
        }
        found.references.sort_by_key(|reference| reference.range.start);
        found.resolve();
        found
    }

    fn definition(&self, scopes: &Scopes, named: &Named) -> Definition {
        let range = named.node.byte_range();
        // An item's name is known around it, not only in it.
        let around = named.item.map_or(range.clone(), |item| item.byte_range());
        let scope = match named.item {
            Some(_) => scopes.around(around.start, |scope| scope.end >= around.end && *scope != around),
            None => scopes.around(around.start, |scope| scope.end >= around.end),
        };
        let from = match (named.kind.is_hoisted(), named.item) {
            (true, _) => scopes.scopes[scope].range.start,
            (false, Some(item)) => item.end_byte(),
            (false, None) => range.end,
        };
        let mut name = self.slice(range.clone());
        if named.kind == DefinitionKind::Import
            && let Some(slash) = name.rfind('/')
        {
            // A path that is imported is known by its last segment.
            name.drain(..=slash);
        }
        Definition { name, kind: named.kind, range, scope, from }
    }

    fn reference(&self, node: Node) -> Reference {
        Reference { name: self.slice(node.byte_range()), range: node.byte_range(), definition: None }
    }
}

/// A definition as captured: its name's node and, if its pattern has one, the item it names.
struct Named<'tree> {
    kind: DefinitionKind,
    node: Node<'tree>,
    item: Option<Node<'tree>>,
}

impl Scopes {
    /// The definitions known at byte `offset`: of the nearest scope first, in it the last one first.
    pub fn visible(&self, offset: usize) -> Vec<&Definition> {
        let mut found = Vec::new();
        let mut scope = match offset.checked_sub(1) {
            Some(before) => Some(self.around(before, |scope| offset <= scope.end)),
            None => Some(0),
        }
        .filter(|&index| index < self.scopes.len());
        while let Some(index) = scope {
            let known = self.definitions.iter().rev().filter(|it| it.scope == index && it.from <= offset);
            found.extend(known);
            scope = self.scopes[index].parent;
        }
        found
    }

    /// `ranges`, which are nodes' and so nest or lie apart, with their parents.
    fn nested(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.sort_by_key(|range| (range.start, usize::MAX - range.end));
        ranges.dedup();
        let mut scopes: Vec<Scope> = Vec::with_capacity(ranges.len());
        let mut around: Vec<usize> = Vec::new();
        for range in ranges {
            while around.last().is_some_and(|&outer| scopes[outer].range.end < range.end) {
                around.pop();
            }
            let parent = around.last().copied();
            around.push(scopes.len());
            scopes.push(Scope { range, parent });
        }
        Self { scopes, ..Self::default() }
    }

    /// The smallest scope that begins at or before `start` and that `has` accepts; otherwise the first.
    fn around(&self, start: usize, has: impl Fn(&Range<usize>) -> bool) -> usize {
        let begun = self.scopes.partition_point(|scope| scope.range.start <= start);
        let mut scope = begun.checked_sub(1);
        while let Some(index) = scope {
            if has(&self.scopes[index].range) {
                return index;
            }
            // Whatever has `start` and is not this one or in it is around it or before it.
            scope = self.scopes[index].parent;
        }
        0
    }

    /// What `scope` gives the name is what a scope around it means by it.
    fn take_from_outside(&mut self, scope: usize, name: &str) {
        if scope == 0 {
            return;
        }
        let is = |definition: &mut Definition| definition.scope == scope && definition.name == name;
        let taken = self.definitions.extract_if(.., is);
        self.references.extend(taken.map(|it| Reference { name: it.name, range: it.range, definition: None }));
    }

    fn resolve(&mut self) {
        let mut by_name: HashMap<(usize, &str), Vec<usize>> = HashMap::new();
        for (index, definition) in self.definitions.iter().enumerate() {
            by_name.entry((definition.scope, &definition.name)).or_default().push(index);
        }
        let meaning = |reference: &Reference| {
            let mut scope = Some(self.around(reference.range.start, |scope| reference.range.end <= scope.end));
            while let Some(index) = scope {
                let named = by_name.get(&(index, reference.name.as_str())).into_iter().flatten().rev();
                let mut known = named.filter(|&&it| self.definitions[it].from <= reference.range.start);
                if let Some(&definition) = known.next() {
                    return Some(definition);
                }
                scope = self.scopes[index].parent;
            }
            None
        };
        let meanings: Vec<_> = self.references.iter().map(meaning).collect();
        for (reference, meaning) in self.references.iter_mut().zip(meanings) {
            reference.definition = meaning;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::{Document, Language};

    const TEXT: &str = "fn a(b: u8) {\n    let c = b;\n    {\n        let d = c;\n        let c = d;\n        use_it(c);\n    }\n    late(c);\n}\nfn late(e: u8) {}\n";

    fn visible_at(needle: &str) -> Vec<String> {
        let scopes = Document::open(Language::Rust, 0, TEXT).snapshot().scopes();
        scopes.visible(TEXT.find(needle).unwrap()).into_iter().map(|definition| definition.name.clone()).collect()
    }

    #[test]
    fn what_is_visible_where() {
        assert_eq!(visible_at("use_it"), ["c", "d", "c", "b", "late", "a"]);
        assert_eq!(visible_at("let d"), ["c", "b", "late", "a"]);
        assert_eq!(visible_at("late(c)"), ["c", "b", "late", "a"]);
        assert_eq!(visible_at("fn late"), ["late", "a"]);
        assert!(Document::open(Language::Plain, 0, TEXT).snapshot().scopes().visible(0).is_empty());
    }

    #[test]
    fn a_reference_means_the_nearest_definition_before_it() {
        let scopes = Document::open(Language::Rust, 0, TEXT).snapshot().scopes();
        let meaning = |needle: &str, skip: usize| {
            let at = TEXT.find(needle).unwrap() + skip;
            let reference = scopes.references.iter().find(|reference| reference.range.start == at).unwrap();
            reference.definition.map(|index| scopes.definitions[index].range.start)
        };
        assert_eq!(meaning("use_it(c)", 7), TEXT.rfind("let c").map(|at| at + 4), "the inner one");
        assert_eq!(meaning("let d = c", 8), TEXT.find("let c").map(|at| at + 4), "the outer one, above the inner");
        assert_eq!(meaning("late(c)", 5), TEXT.find("let c").map(|at| at + 4), "the outer one, behind the inner");
        assert_eq!(meaning("late(c)", 0), TEXT.rfind("late"), "a function below");
        assert_eq!(meaning("use_it(c)", 0), None);
    }
}
