//! The words of a text: its identifiers, and the parts that they are made of.

use std::collections::HashSet;

/// A word has at least as many bytes.
const SHORTEST: usize = 3;
/// Longer ones are data.
const LONGEST: usize = 64;

/// Calls `each` with every identifier of `text`, in order: letters, digits, `_` and everything outside ASCII, not begun by a digit.
pub fn identifiers<'t>(text: &'t str, mut each: impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        // Its ends are ASCII borders, so they are character borders too.
        if (SHORTEST..=LONGEST).contains(&(at - start)) && !bytes[start].is_ascii_digit() {
            each(&text[start..at]);
        }
    }
}

/// Calls `each` with the parts of an identifier of several, in lower case: `parse`, `query` and `string` of `parseQuery_STRING`.
pub fn parts(identifier: &str, mut each: impl FnMut(String)) {
    let mut part = String::new();
    let mut whole = true;
    let chars: Vec<char> = identifier.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let rises = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || chars.get(at + 1).is_some_and(|next| next.is_lowercase())
            });
        if c == '_' || rises {
            whole = false;
            if part.len() >= SHORTEST {
                each(std::mem::take(&mut part));
            }
            part.clear();
        }
        if c != '_' {
            part.extend(c.to_lowercase());
        }
    }
    if part.len() >= SHORTEST && !(whole && part == identifier) {
        each(part);
    }
}

/// Every identifier of `text` and every part of one, once; `most` at most.
pub fn words(text: &str, most: usize) -> HashSet<String> {
    let mut found = HashSet::new();
    identifiers(text, |identifier| {
        if found.len() < most && !found.contains(identifier) {
            found.insert(identifier.to_owned());
            parts(identifier, |part| _ = found.insert(part));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_into_their_parts() {
        let check = |identifier: &str| {
            let mut found = Vec::new();
            parts(identifier, |part| found.push(part));
            found.join(" ")
        };
        assert_eq!(check("parseQuery_STRING"), "parse query string");
        assert_eq!(check("HTTPServer"), "http server");
        assert_eq!(check("plain"), "");
        assert_eq!(check("Plain"), "plain");
        assert_eq!(check("__init__"), "init");
        assert_eq!(check("größeÄndern"), "größe ändern");
        let mut found = Vec::new();
        identifiers("let x1y = 12ab + naïve(é); _under", |word| found.push(word));
        assert_eq!(found, ["let", "x1y", "naïve", "_under"]);
    }
}
