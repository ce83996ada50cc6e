//! The uses of a changed definition in one file: what is edited at each, what wants new text, and what is left to a person.

use std::{collections::HashMap, ops::Range};

use pilotlight_syntax::{
    Before, Call, Definition, DefinitionKind, Document, Import, Item, Language, Occurrence, UseKind,
};

use super::{
    Candidate,
    aliases::Alias,
    arguments::{self, Carried, Rewrite},
    difference::{DefinitionChange, ShapeChange},
    regions,
    search::{Search, Verdict},
    touched::BY_HAND,
    view::View,
};
use crate::changes::{ChangeSet, Edit, Hole, Left};

/// One change, carried file by file.
pub(super) struct Work<'a> {
    pub(super) search: &'a Search<'a>,
    /// It is a constructor's: calls of its class are meant.
    pub(super) constructor: bool,
    /// The definition itself is still to be edited.
    pub(super) definition_too: bool,
    /// Other names by which files hand it on.
    pub(super) aliases: Vec<Alias>,
}

/// What is found in one file, before it is looked at what lies in what.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) edits: Vec<Edit>,
    pub(super) rewrites: Vec<Rewrite>,
}

impl Work<'_> {
    /// What is to be done in one file, in its own bytes (of the changed one: with the old names back in place).
    pub(super) fn found(&self, view: &View, candidate: &Candidate, set: &mut ChangeSet) -> Found {
        let change = self.search.change;
        let home = view.path == self.search.home.path;
        let occurrences = view.snapshot.occurrences(&change.old_name);
        let uses: HashMap<usize, UseKind> =
            view.snapshot.uses(0..usize::MAX).into_iter().map(|used| (used.range.start, used.kind)).collect();
        let mut found = Found::default();
        for it in occurrences {
            if home && it.range.start == self.search.at {
                if self.definition_too {
                    let own = view.definition(self.search.at).map(|own| own.scope);
                    let beside = |it: &Definition| it.name == change.new_name && Some(it.scope) == own;
                    let taken = change.meets || view.scopes.definitions.iter().any(beside);
                    let doubt = taken.then(|| taken_by(change));
                    found.edits.push(Edit { range: it.range, text: change.new_name.clone(), doubt });
                }
                continue;
            }
            let doubt = match self.search.judge(view, &it, uses.get(&it.range.start).copied()) {
                Verdict::Other => continue,
                Verdict::Same => None,
                Verdict::Unsure(why) => Some(why),
            };
            self.site((view, candidate), &it, doubt, true, &mut found, set);
        }
        if change.changes_calls_of_any_name() {
            let handed_on = self.aliases.iter().flat_map(|alias| self.search.called_by(view, alias));
            let aliased = self.search.aliased(view).into_iter().map(|it| (it, None));
            let mut aliased: Vec<(Occurrence, Option<String>)> = aliased.chain(handed_on).collect();
            aliased.sort_by_key(|(it, doubt)| (it.range.start, doubt.is_some()));
            aliased.dedup_by_key(|(it, _)| it.range.start);
            for (it, doubt) in aliased {
                self.site((view, candidate), &it, doubt, false, &mut found, set);
            }
        }
        regions::joined(&mut set.holes);
        found
    }

    /// One place that means the definition, or may; `named` by its own name.
    fn site(
        &self,
        (view, candidate): (&View, &Candidate),
        it: &Occurrence,
        doubt: Option<String>,
        named: bool,
        found: &mut Found,
        set: &mut ChangeSet,
    ) {
        let line = view.snapshot.rope().byte_to_line(it.range.start);
        let mut left = |because: String| set.left.push(Left { path: view.path.clone(), line, because });
        let change = self.search.change;
        let (mut edits, mut anew) = (Vec::new(), None);
        let by_hand = |call: &Call| {
            let whole = call.name.start..call.list.end;
            view.is_by_hand(whole, &view.text[call.name.clone()]).then(|| BY_HAND.to_owned())
        };
        if let Some(parameters) = &change.parameters
            && it.dead.is_none()
        {
            let definition = view
                .outline
                .iter()
                .any(|item| item.name_range == it.range && item.kind != DefinitionKind::Implementation);
            let import = view.imports.iter().any(|import| import.range == it.range);
            match self.call(view, it) {
                Some(call) => match arguments::carried(
                    parameters,
                    &call,
                    self.bound(view, it),
                    view.snapshot.language(),
                    &view.text,
                ) {
                    // Names that arguments are given by are old where they stand.
                    Carried::Edits(names) if names.iter().all(|edit| !edit.range.is_empty()) => edits = names,
                    Carried::Edits(names) => {
                        let doubt = by_hand(&call);
                        edits = names.into_iter().map(|edit| Edit { doubt: doubt.clone(), ..edit }).collect();
                    }
                    Carried::Anew(rewrite) => anew = Some(Rewrite { doubt: by_hand(&call), ..rewrite }),
                    Carried::Wants(all) => {
                        let because = |name: &str| format!("a new argument is needed: {name}");
                        all.iter().for_each(|missing| left(because(&missing.name)));
                        // Of a place that may mean something else nothing is written.
                        let all = all.into_iter().filter(|_| doubt.is_none());
                        set.holes.extend(all.map(|missing| Hole {
                            path: view.path.clone(),
                            document: candidate.document.clone(),
                            before: candidate.snapshot.clone(),
                            range: missing.at..missing.at,
                            anew: false,
                            around: missing.around,
                            because: because(&missing.name),
                            what: format!("the new argument `{}`", missing.name),
                        }));
                    }
                    Carried::Foreign => return,
                    Carried::Unsure(why) => left(why),
                },
                None if definition => {
                    left("another definition of it: its parameters are to be changed by hand".to_owned())
                }
                None if import || self.constructor => {}
                None => left("it is used as a value: what calls it is not seen".to_owned()),
            }
        }
        if let Some(shape) = &change.shape
            && it.dead.is_none()
        {
            self.follows((view, candidate), it, shape, doubt.as_deref(), set);
        }
        if change.is_renamed() && named {
            edits.push(self.renamed(view, it));
        }
        let taken = doubt.is_none()
            && change.is_renamed()
            && (change.meets || change.container.is_none() && self.taken(view, it));
        let doubt = doubt.or_else(|| taken.then(|| taken_by(change)));
        found.edits.extend(edits.into_iter().map(|edit| Edit { doubt: doubt.clone().or(edit.doubt), ..edit }));
        found.rewrites.extend(anew.map(|rewrite| Rewrite { doubt: doubt.or(rewrite.doubt), ..rewrite }));
    }

    /// Whether the new name means something else where `it` stands.
    fn taken(&self, view: &View, it: &Occurrence) -> bool {
        let new = &self.search.change.new_name;
        let imported = view.imports.iter().find(|import| import.range == it.range);
        if imported.map_or(it.before != Before::Bare, |import| import.alias.is_some()) {
            return false;
        }
        let home = self.search.home;
        let there = home.outline.iter().any(|item| item.name == *new && item.parent.is_none());
        // It may have been imported by its new name already.
        let other = |import: &Import| {
            there || import.name.as_ref() != Some(new) || self.search.module(view, &import.module) != Verdict::Same
        };
        match view.visible(new, it.range.start) {
            Some(definition) if definition.kind == DefinitionKind::Import => {
                view.import_of(definition).is_none_or(other)
            }
            Some(_) => true,
            None => {
                let gives = |import: &&Import| import.alias.as_ref().or(import.name.as_ref()) == Some(new);
                view.imports.iter().filter(gives).any(other)
            }
        }
    }

    /// What a use of something that is of another type now has to follow with: its lines are to be written anew, or looked at.
    fn follows(
        &self,
        (view, candidate): (&View, &Candidate),
        it: &Occurrence,
        shape: &ShapeChange,
        doubt: Option<&str>,
        set: &mut ChangeSet,
    ) {
        let line = view.snapshot.rope().byte_to_line(it.range.start);
        let mut left = |because: String| set.left.push(Left { path: view.path.clone(), line, because });
        let defines = |item: &&Item| item.name_range == it.range && item.kind != DefinitionKind::Implementation;
        let call = self.call(view, it);
        let signature = self.search.home.sites.signature(&(self.search.at..self.search.at + it.range.len()));
        if view.imports.iter().any(|import| import.range == it.range) {
            return;
        }
        if view.outline.iter().any(|item| defines(&item)) {
            return left(format!("another definition of it: {}", shape.what));
        }
        if let Some(doubt) = doubt {
            return left(format!("{} now, and this may be a use of it: {doubt}", shape.what));
        }
        if signature.is_some() && call.is_none() {
            return left(format!("{} now, and it is used as a value: what calls it is not seen", shape.what));
        }
        // Where an argument is missing that comes first.
        let missing = |hole: &Hole| {
            let inside = |call: &Call| call.list.start <= hole.range.start && hole.range.end <= call.list.end;
            !hole.anew && hole.path == view.path && call.as_ref().is_some_and(inside)
        };
        let because = format!("{} now: this may have to follow", shape.what);
        if set.holes.iter().any(missing) {
            return left(because);
        }
        let end = call.as_ref().map_or(it.range.end, |call| call.list.end);
        left(because.clone());
        if let Some(range) = regions::around(&view.snapshot, it.range.start..end) {
            set.holes.push(Hole {
                path: view.path.clone(),
                document: candidate.document.clone(),
                before: candidate.snapshot.clone(),
                range,
                anew: true,
                around: Default::default(),
                because,
                what: "these lines anew".to_owned(),
            });
        }
    }

    /// The new name, with the old one beside it where that stood for a variable too.
    fn renamed(&self, view: &View, it: &Occurrence) -> Edit {
        let change = self.search.change;
        let (old, new) = (&change.old_name, &change.new_name);
        let shorthand = view.key(&it.range).is_some_and(|key| key.shorthand);
        // How Rust's pattern takes the field (`ref mut x`) is said of the variable.
        let mut lead = &view.text[..it.range.start];
        for word in ["mut", "ref"] {
            let rest = lead.trim_end().strip_suffix(word).filter(|_| view.snapshot.language() == Language::Rust);
            lead = rest.filter(|rest| rest.ends_with([' ', '\n', '\t', '{', ','])).unwrap_or(lead);
        }
        let bound = &view.text[lead.len()..it.range.start];
        let (start, text) = match (shorthand, change.container.is_some()) {
            (false, _) => (it.range.start, new.clone()),
            (true, true) => (lead.len(), format!("{new}: {bound}{old}")),
            (true, false) => (it.range.start, format!("{old}: {new}")),
        };
        Edit { range: start..it.range.end, text, doubt: None }
    }

    /// Whether the object is given as the first argument.
    fn bound(&self, view: &View, it: &Occurrence) -> bool {
        match &it.before {
            Before::Path(_) => true,
            Before::Member(of) => match of.as_slice() {
                [one] => view.visible(one, it.range.start).is_some_and(|definition| {
                    definition.kind == DefinitionKind::Class
                        || definition.kind == DefinitionKind::Import && self.search.owners.contains(one)
                }),
                _ => false,
            },
            Before::Bare => false,
        }
    }

    /// The call of the name; in a macro's arguments it is read from its text.
    fn call(&self, view: &View, it: &Occurrence) -> Option<Call> {
        if let Some(call) = view.sites.call(&it.range) {
            return Some(call.clone());
        }
        if !it.called
            || view.snapshot.language() != Language::Rust
            || !it.around.iter().any(|kind| kind == "token_tree")
        {
            return None;
        }
        let list = view.snapshot.brackets_after(it.range.end)?;
        let (lead, name) = ("fn f() { ", "g");
        let text = format!("{lead}{name}{}; }}", &view.text[list.clone()]);
        let sites = Document::open(Language::Rust, 0, &text).snapshot();
        if sites.syntax_errors(0..text.len()) > 0 {
            return None;
        }
        let sites = sites.sites();
        let mut call = sites.call(&(lead.len()..lead.len() + name.len()))?.clone();
        let shift = |range: &mut std::ops::Range<usize>| {
            let by = lead.len() + name.len();
            *range = range.start - by + list.start..range.end - by + list.start;
        };
        shift(&mut call.list);
        call.arguments.iter_mut().for_each(|argument| shift(&mut argument.range));
        call.name = it.range.clone();
        Some(call)
    }
}

/// Why the new name should not stand where something else has it.
fn taken_by(change: &DefinitionChange) -> String {
    format!("`{}` means something else here", change.new_name)
}

/// The edits that come of what was found, in order. A call in another's arguments is changed with them; where that cannot be, the outer one is told.
pub(super) fn separate(found: Found, view: &View, left: &mut Vec<Left>) -> Vec<Edit> {
    let Found { mut edits, mut rewrites } = found;
    let mut tell = |at: usize, because: String| {
        left.push(Left { path: view.path.clone(), line: view.snapshot.rope().byte_to_line(at), because });
    };
    let by_hand = || "calls stand in each other's arguments: the outer one is to be changed by hand".to_owned();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits.dedup_by(|later, kept| later.range == kept.range && later.text == kept.text);
    // Inner ones first.
    rewrites.sort_by_key(|rewrite| (rewrite.range.len(), rewrite.range.start));
    rewrites.dedup_by(|later, kept| later.range == kept.range);
    for rewrite in rewrites {
        let Range { start, end } = rewrite.range;
        let within = |edit: &Edit| start <= edit.range.start && edit.range.end <= end;
        let meets = |edit: &Edit| edit.range.start < end && start < edit.range.end;
        let crossed = edits.iter().any(|edit| meets(edit) && !within(edit));
        let surer = rewrite.doubt.is_some() && edits.iter().any(|edit| within(edit) && edit.doubt.is_none());
        if crossed || surer {
            tell(start, by_hand());
            continue;
        }
        let (mut inner, mut others): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(within);
        if rewrite.doubt.is_none() {
            inner.retain(|edit| {
                let certain = edit.doubt.is_none();
                edit.doubt.iter().for_each(|doubt| tell(edit.range.start, doubt.clone()));
                certain
            });
        }
        others.push(Edit { text: rewrite.text(&view.text, &inner), range: rewrite.range, doubt: rewrite.doubt });
        edits = others;
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    }
    let mut kept: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        if kept.last().is_some_and(|last| edit.range.start < last.range.end) {
            tell(edit.range.start, "two changes meet here: it is to be changed by hand".to_owned());
        } else {
            kept.push(edit);
        }
    }
    kept
}
