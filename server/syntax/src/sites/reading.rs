//! From the captures of sites.scm to [`Sites`].

use std::{collections::HashMap, ops::Range};

use tree_sitter::{Node, QueryCapture};

use super::{Argument, Call, Container, Given, Key, Parameter, Signature, Sites, Typed, TypedBy};
use crate::{
    Language, Snapshot,
    queries::{self, Purpose},
};

/// Every capture that may stand in sites.scm.
#[cfg(test)]
pub(crate) const CAPTURES: [&str; 34] = [
    "signature",
    "signature.name",
    "signature.parameters",
    "parameter.receiver",
    "parameter.this",
    "parameter.name",
    "parameter.type",
    "parameter.default",
    "parameter.rest",
    "parameter.keywords",
    "parameter.positionals",
    "call.function",
    "call.arguments",
    "call.new",
    "argument",
    "argument.name",
    "argument.spread",
    "container",
    "container.name",
    "container.base",
    "key",
    "key.owner",
    "key.shorthand",
    "key.value",
    "typed.name",
    "typed.type",
    "typed.value",
    "typed.each",
    "member.name",
    "member.type",
    "member.value",
    "member.each",
    "returns.name",
    "returns.type",
];

/// What belongs to a list of parameters, by where it begins.
enum Part {
    Receiver,
    Named(Parameter),
    Rest,
    Keywords,
    Positionals,
}

#[derive(Default)]
struct Raw<'tree> {
    signatures: Vec<(Node<'tree>, Node<'tree>, Node<'tree>)>,
    parts: HashMap<usize, Part>,
    calls: Vec<(Node<'tree>, Node<'tree>)>,
    names: HashMap<usize, Range<usize>>,
    spreads: Vec<usize>,
    containers: HashMap<usize, Container>,
    keys: HashMap<usize, Key>,
}

pub(super) fn read(snapshot: &Snapshot) -> Sites {
    let Some(query) = queries::compiled(snapshot.language(), Purpose::Sites) else { return Sites::default() };
    let names = query.capture_names();
    let mut raw = Raw::default();
    let mut sites = Sites::default();
    let done = snapshot.matches(Purpose::Sites, |_, captures| {
        let node = |wanted: &str| node_of(names, captures, wanted);
        let text = |node: Node| snapshot.slice(node.byte_range());
        if let (Some(name), Some(list)) = (node("signature.name"), node("signature.parameters")) {
            raw.signatures.push((name, list, node("signature").unwrap_or(list)));
        } else if let (Some(function), Some(list)) = (node("call.function"), node("call.arguments")) {
            raw.calls.push((function, list));
        } else if let (Some(argument), Some(name)) = (node("argument"), node("argument.name")) {
            raw.names.insert(argument.start_byte(), name.byte_range());
        } else if let Some(spread) = node("argument.spread") {
            raw.spreads.push(spread.start_byte());
        } else if let (Some(container), Some(name)) = (node("container"), node("container.name")) {
            let new = || Container { range: container.byte_range(), name: text(name), bases: Vec::new() };
            let known = raw.containers.entry(container.id()).or_insert_with(new);
            known.bases.extend(node("container.base").map(text));
        } else if let Some(key) = node("key").or(node("key.shorthand")) {
            let shorthand = node("key.shorthand").is_some();
            let new = || Key { range: key.byte_range(), owner: None, value: None, shorthand };
            let known = raw.keys.entry(key.id()).or_insert_with(new);
            // One pattern finds the key, another may find what tells its type.
            known.owner = node("key.owner").map(text).or(known.owner.take());
            known.value = node("key.value").map(text).or(known.value.take());
        } else if let Some(name) = node("typed.name") {
            sites.typed.extend(typed(snapshot, name, ["typed.type", "typed.value", "typed.each"].map(node)));
        } else if let Some(name) = node("member.name") {
            sites.members.extend(typed(snapshot, name, ["member.type", "member.value", "member.each"].map(node)));
        } else if let Some(name) = node("returns.name") {
            sites.returns.extend(typed(snapshot, name, [node("returns.type"), None, None]));
        } else {
            part(&mut raw.parts, snapshot, node);
        }
    });
    if done.is_none() {
        return Sites::default();
    }
    sites.containers = std::mem::take(&mut raw.containers).into_values().collect();
    sites.containers.sort_by_key(|container| (container.range.start, usize::MAX - container.range.end));
    sites.keys = std::mem::take(&mut raw.keys).into_values().collect();
    sites.keys.sort_by_key(|key| key.range.start);
    sites.calls = raw.calls.iter().filter_map(|&(function, list)| call(&raw, function, list)).collect();
    sites.calls.sort_by_key(|call| call.name.start);
    let parts = &mut raw.parts;
    sites.signatures =
        raw.signatures.iter().map(|&(name, list, whole)| signature(snapshot, parts, name, list, whole)).collect();
    sites.signatures.sort_by_key(|signature| signature.name_range.start);
    sites.signatures.dedup_by_key(|signature| signature.name_range.start);
    sites
}

fn node_of<'tree>(names: &[&str], captures: &[QueryCapture<'tree>], wanted: &str) -> Option<Node<'tree>> {
    captures.iter().find(|capture| names[capture.index as usize] == wanted).map(|capture| capture.node)
}

fn typed(snapshot: &Snapshot, name: Node, by: [Option<Node>; 3]) -> Option<Typed> {
    let of = [TypedBy::Type, TypedBy::Value, TypedBy::Each];
    let (node, by) = by.into_iter().zip(of).find_map(|(node, by)| Some((node?, by)))?;
    // A long value says nothing more by its end.
    let end = node.end_byte().min(node.start_byte() + 200);
    Some(Typed { range: name.byte_range(), text: snapshot.slice(node.start_byte()..end), by })
}

fn part<'tree>(
    parts: &mut HashMap<usize, Part>,
    snapshot: &Snapshot,
    node: impl Fn(&'static str) -> Option<Node<'tree>>,
) {
    let text = |node: Node| snapshot.slice(node.byte_range());
    for (capture, part) in [
        ("parameter.receiver", Part::Receiver),
        ("parameter.rest", Part::Rest),
        ("parameter.keywords", Part::Keywords),
        ("parameter.positionals", Part::Positionals),
    ] {
        if let Some(node) = node(capture) {
            parts.insert(node.start_byte(), part);
            return;
        }
    }
    let Some(name) = node("parameter.name") else { return };
    let parameter = Parameter {
        name: text(name),
        range: name.byte_range(),
        type_text: node("parameter.type").map(text).map(|text| text.trim_start_matches([':', ' ']).to_owned()),
        optional: node("parameter.default").is_some(),
        given: Given::Either,
    };
    // An optional one is captured by what is special of it and by what is not.
    let known = matches!(parts.get(&name.start_byte()), Some(Part::Named(known)) if known.optional);
    if !known {
        parts.insert(name.start_byte(), Part::Named(parameter));
    }
}

fn signature(snapshot: &Snapshot, parts: &HashMap<usize, Part>, name: Node, list: Node, whole: Node) -> Signature {
    let inside = list.byte_range();
    let mut starts: Vec<usize> = parts.keys().copied().filter(|start| inside.contains(start)).collect();
    starts.sort_unstable();
    let mut signature = Signature {
        name: snapshot.slice(name.byte_range()),
        name_range: name.byte_range(),
        range: whole.start_byte().min(name.start_byte())..whole.end_byte().max(inside.end),
        list: inside,
        parameters: Vec::new(),
        receiver: false,
        rest: false,
    };
    let mut given = Given::Either;
    for start in starts {
        match &parts[&start] {
            Part::Receiver => signature.receiver = true,
            Part::Rest => {
                signature.rest = true;
                given = Given::Name;
            }
            Part::Keywords => given = Given::Name,
            Part::Positionals => signature.parameters.iter_mut().for_each(|earlier| earlier.given = Given::Place),
            // In Python it is a parameter like any other, and told by its name.
            Part::Named(parameter)
                if snapshot.language() == Language::Python
                    && matches!(&*parameter.name, "self" | "cls" | "mcs")
                    && signature.parameters.is_empty() =>
            {
                signature.receiver = true;
            }
            Part::Named(parameter) => signature.parameters.push(Parameter { given, ..parameter.clone() }),
        }
    }
    signature
}

fn call(raw: &Raw, function: Node, list: Node) -> Option<Call> {
    let mut cursor = list.walk();
    let mut comments = false;
    let mut arguments = Vec::new();
    for node in list.named_children(&mut cursor) {
        if node.is_extra() {
            comments = true;
            continue;
        }
        let (start, range) = (node.start_byte(), node.byte_range());
        arguments.push(Argument {
            name: raw.names.get(&start).filter(|name| range.end > name.end && name.start == start).cloned(),
            spread: raw.spreads.contains(&start),
            range,
        });
    }
    Some(Call { name: callee(function)?, list: list.byte_range(), arguments, comments })
}

/// The name at the end of what is called, in front of what it is given by type.
fn callee(function: Node) -> Option<Range<usize>> {
    let mut node = function;
    for _ in 0..6 {
        let next = ["function", "field", "property", "attribute", "name"]
            .iter()
            .find_map(|field| node.child_by_field_name(field));
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    // What is called may be no name at all: `(a or b)(c)`.
    (node.named_child_count() == 0).then(|| node.byte_range())
}
