//! What a change of a definition meets in a text: signatures, calls with their arguments, keys of literals, and what tells types; by `queries/<language>/sites.scm`.
//!
//! With [`crate::occurrences`] this is what carrying a change to its uses needs of a tree.

mod reading;

use std::ops::Range;

use crate::Snapshot;

/// The captures of sites.scm.
#[cfg(test)]
pub(crate) use reading::CAPTURES;

/// What sites.scm finds in one text, each kind in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// Functions' and methods' parameters.
    pub signatures: Vec<Signature>,
    /// Calls.
    pub calls: Vec<Call>,
    /// Keys of literals and patterns: of structs, objects, keyword arguments.
    pub keys: Vec<Key>,
    /// Names whose type is written beside them, or can be read off their value: locals and parameters.
    pub typed: Vec<Typed>,
    /// The same of members, wherever they are given.
    pub members: Vec<Typed>,
    /// Of functions, what they return.
    pub returns: Vec<Typed>,
    /// What members belong to: classes, implementations, interfaces.
    pub containers: Vec<Container>,
}

/// The parameters of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The function's name.
    pub name: String,
    /// The bytes of the name.
    pub name_range: Range<usize>,
    /// The bytes of the whole function.
    pub range: Range<usize>,
    /// The bytes of the list, with its brackets.
    pub list: Range<usize>,
    /// What it takes, in order; the object a method is called on is not in it, nor are markers.
    pub parameters: Vec<Parameter>,
    /// It takes the object it is called on as its first parameter (`self`).
    pub receiver: bool,
    /// It takes any number of further arguments.
    pub rest: bool,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, or the pattern in its place.
    pub name: String,
    /// The bytes of that.
    pub range: Range<usize>,
    /// Its type, as written.
    pub type_text: Option<String>,
    /// A call may leave it out.
    pub optional: bool,
    /// How calls may give it.
    pub given: Given,
}

/// How an argument may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// By its place, and where the language has that, by name.
    Either,
    /// By its place alone.
    Place,
    /// By its name alone.
    Name,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The bytes of the name that is called: of `a.b::<c>(d)` it is `b`.
    pub name: Range<usize>,
    /// The bytes of the arguments, with their brackets.
    pub list: Range<usize>,
    /// The arguments, in order.
    pub arguments: Vec<Argument>,
    /// There are comments between the arguments.
    pub comments: bool,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its bytes, with the name it is given by.
    pub range: Range<usize>,
    /// The bytes of the name it is given by.
    pub name: Option<Range<usize>>,
    /// It stands for any number of arguments.
    pub spread: bool,
}

/// The key of a literal or a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its bytes.
    pub range: Range<usize>,
    /// The type that is named for the literal or the pattern, as written.
    pub owner: Option<String>,
    /// The variable that the pattern takes apart, or `this`.
    pub value: Option<String>,
    /// It names a variable too (`C { x }`).
    pub shorthand: bool,
}

/// A name with what tells its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The bytes of the name.
    pub range: Range<usize>,
    /// The type as written, or the value.
    pub text: String,
    /// What `text` is.
    pub by: TypedBy,
}

/// Where a type is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypedBy {
    /// The type itself.
    Type,
    /// A value of it.
    Value,
    /// A collection of its values.
    Each,
}

/// What members belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its bytes.
    pub range: Range<usize>,
    /// Its name as written: of an `impl`, the type.
    pub name: String,
    /// What it extends or implements, as written.
    pub bases: Vec<String>,
}

impl Snapshot {
    /// What a change of a definition meets in this text. Empty for plain text, for languages without `sites.scm`, and where it would take more than a second.
    pub fn sites(&self) -> Sites {
        reading::read(self)
    }
}

impl Sites {
    /// The call of the name at `range`.
    pub fn call(&self, name: &Range<usize>) -> Option<&Call> {
        self.calls.iter().find(|call| call.name == *name)
    }

    /// The signature of the function whose name stands at `range`.
    pub fn signature(&self, name: &Range<usize>) -> Option<&Signature> {
        self.signatures.iter().find(|signature| signature.name_range == *name)
    }

    /// The smallest container with byte `at` in it.
    pub fn container(&self, at: usize) -> Option<&Container> {
        let holds = self.containers.iter().filter(|container| container.range.contains(&at));
        holds.min_by_key(|container| container.range.len())
    }
}

#[cfg(test)]
mod tests;
