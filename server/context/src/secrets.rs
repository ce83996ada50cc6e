//! What looks like a password or a key is masked before it can enter a prompt, whatever source it comes from.
//!
//! A mask has as many bytes as what it stands for and depends on the line alone, so that a prompt's tokens stay the same from one keystroke to the next.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::{Captures, Regex, RegexSet};

mod random;

/// What is written in place of every byte of a secret.
const MASK: &str = "*";

/// Keys that say what they are by how they begin; the match is the secret.
const KNOWN: [&str; 15] = [
    r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{12,}",
    r"\bgh[pousr]_[A-Za-z0-9]{16,}",
    r"\bgithub_pat_[A-Za-z0-9_]{16,}",
    r"\bglpat-[A-Za-z0-9_-]{16,}",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bAIza[0-9A-Za-z_-]{30,}",
    r"\bya29\.[0-9A-Za-z_-]{20,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{30,}",
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\S*",
];

/// What stands between a name and the quote that its value begins with: the end of a key, a type, a sign.
macro_rules! is {
    () => {
        r#"["'\]]{0,2}[?!]?(?:\s*\[\d*\])?(?:\s*:\s*[&*]{0,2}(?:'\w+\s+)?[a-z_][\w.:<>\[\]?| ]{0,40}=|\s+\*?string\s*=|\s*(?::=|=>|[:=]))\s*[a-z@$]{0,2}"#
    };
}

/// Finds the secret in what a pattern matched of a line; `None` where it is none.
type Reader = fn(&str, &Captures<'_>) -> Option<Range<usize>>;

/// Values that are secret by the name before them.
const NAMED: [(&str, Reader); 7] = [
    (concat!(r"(?i)(passw(?:or)?d|passwd|pwd|passphrase|secret|credential)([a-z0-9_]*)", is!(), r#"(["'`])"#), text),
    (
        concat!(
            r"(?i)(?:api_?-?key|access_?-?key|auth_?-?key|private_?-?key|client_?-?secret|token|bearer)[a-z0-9_]*",
            is!(),
            r#"["'`]([A-Za-z0-9+/=_.~-]{12,})"#
        ),
        key,
    ),
    (concat!(r"(?i)(?:(?:\b|_)pass|(?-i:[a-z0-9]Pass))", is!(), r#"["'`]([^"'`\s]{6,})(?:["'`]|$)"#), pass),
    (
        r#"(?:^|[\s"'`+-])([A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)[A-Z0-9_]*|(?:[A-Z0-9_]*_)?PASS|[A-Z0-9_]+_PWD)(\s*=\s*|:\s+)(["']?)([^\s"'`;]{6,})"#,
        variable,
    ),
    (
        r#"(?i)(?:^|[\s"'`+-])([a-z0-9_.-]*(?:passw(?:or)?d|passphrase|pwd|secret|(?:api|access|private)[_-]?key|(?:access|auth)[_-]?token)[a-z0-9_-]*)(=|:\s+)([^\s"'`;&]{6,})"#,
        setting,
    ),
    (
        r#"(?i)(?:[?&]|;\s*|["'`])(passw(?:or)?d|pwd|pass|passphrase|secret|client_?secret|(?:access_?|auth_?)?token|api_?key|(?:account|sharedaccess)key|sig)=([^\s;&"'`]{4,})"#,
        parameter,
    ),
    (r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/:@]{3,})@", first),
];

/// What a line has that one of the patterns of [`NAMED`] matches: few lines do, and the patterns are slow together.
const NAMES: &str =
    r"(?i-u:pass|pwd|secret|credential|(?:api|access|auth|private|account)[_-]{0,2}key|token|bearer|sig=)|://";

static QUICK: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(KNOWN.iter().chain([&NAMES])).ok());
static PATTERNS: LazyLock<Vec<(Regex, Reader)>> = LazyLock::new(|| {
    let known = KNOWN.into_iter().map(|pattern| (pattern, first as Reader));
    known.chain(NAMED).filter_map(|(pattern, read)| Some((Regex::new(pattern).ok()?, read))).collect()
});

/// `text` with every secret masked, line by line. Borrowed where there is none.
pub fn masked(text: &str) -> Cow<'_, str> {
    let found = secrets(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        out.push_str(&text[done..range.start]);
        out.push_str(&MASK.repeat(range.len()));
        done = range.end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// The bytes of a text's secrets, line by line, in order and apart from each other.
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let secrets = secrets_of(line.trim_end_matches(['\n', '\r']));
        found.extend(secrets.into_iter().map(|range| at + range.start..at + range.end));
        at += line.len();
    }
    found
}

fn secrets_of(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Most lines have none of it: one look decides.
    let hits = QUICK.as_ref().map(|set| set.matches(line));
    for (number, (pattern, read)) in PATTERNS.iter().enumerate() {
        if hits.as_ref().is_some_and(|hits| !hits.matched(number.min(KNOWN.len()))) {
            continue;
        }
        found.extend(pattern.captures_iter(line).filter_map(|captures| read(line, &captures)));
    }
    found.extend(random::runs(line));
    found.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// The first group, or all of it.
fn first(_: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    captures.get(1).or_else(|| captures.get(0)).map(|it| it.range())
}

/// Whether what matched begins behind a branch's word, so that its colon ends a case: `case TOKEN: name = "…"`.
fn is_branch(line: &str, captures: &Captures<'_>) -> bool {
    let start = captures.get(0).map_or(0, |all| all.start());
    let before = line[..start].trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').trim_end();
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    matches!(word, "case" | "if" | "elif" | "while" | "when")
}

/// Whether a type stands between the name and the value, which is a constant's then: `const TOKEN: &str = "…"`.
fn is_typed(between: &str) -> bool {
    let behind = between.split_once(':').map_or("", |(_, behind)| behind.trim_start());
    !behind.starts_with('=') && behind.contains('=')
}

/// What is quoted behind the name of a key or a token.
fn key(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let (all, value) = (captures.get(0)?, captures.get(1)?);
    let typed = is_typed(&line[all.start()..value.start()]);
    let digit = value.as_str().bytes().any(|byte| byte.is_ascii_digit());
    (!is_branch(line, captures) && (digit || !typed)).then(|| value.range())
}

/// What is quoted behind a name that ends with `pass`, which other things are called too.
fn pass(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let value = captures.get(1)?;
    (!is_branch(line, captures) && !value.as_str().to_lowercase().contains("pass")).then(|| value.range())
}

/// What is quoted behind the name of a password, up to the same quote or the line's end.
fn text(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let (keyword, rest, quote) = (captures.get(1)?.as_str(), captures.get(2)?.as_str(), captures.get(3)?);
    let (start, mark) = (quote.end(), quote.as_str().chars().next()?);
    let mut escaped = false;
    let closing = line[start..].char_indices().find(|&(_, c)| {
        let closes = c == mark && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    let end = closing.map_or(line.len(), |(at, _)| start + at);
    let value = &line[start..end];
    let words = value.contains(char::is_whitespace);
    let between = &line[captures.get(2)?.end()..start];
    // A sentence, or what something is called in a table: no phrase to enter with.
    let sentence = words && (value.starts_with(char::is_uppercase) || between.contains("=>"));
    // The quote was the end of a text that says `password: `, and this is code behind it.
    let behind = value.starts_with(|c: char| c.is_whitespace() || ",;)]}.+&|<=:".contains(c));
    // `password_hint`, `secret: "The secret to sign with"`: what is told, and no secret.
    let bare = rest.trim_start_matches(['s', 'S', '_']).trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let told = !matches!(bare.to_ascii_lowercase().as_str(), "" | "key" | "value")
        || value.to_lowercase().contains(&keyword.to_lowercase());
    let elsewhere =
        (value.starts_with("${") && value.ends_with('}')) || (value.starts_with("$(") && value.ends_with(')'));
    let branch = is_typed(between) && is_branch(line, captures);
    let secret = value.len() >= 6
        && !elsewhere
        && !sentence
        && !branch
        && if words { !behind && !told } else { closing.is_some() || !behind };
    secret.then_some(start..end)
}

/// What a variable of an environment is set to, by its name in capitals: in a shell, a list of variables, a Dockerfile; also a constant.
fn variable(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let (name, sign, value) = (captures.get(1)?, captures.get(2)?, captures.get(4)?);
    let quoted = captures.get(3).is_some_and(|quote| !quote.is_empty());
    let (tight, colon) = (sign.as_str() == "=", sign.as_str().starts_with(':'));
    let before = line[..name.start()].trim_start_matches([' ', '\t', '+', '-', '"', '\'']).trim_end();
    if !tight && !matches!(before, "" | "export" | "ENV" | "ARG" | "set") {
        return None;
    }
    let (name, text) = (name.as_str(), value.as_str());
    let after = line[value.end()..].trim_start();
    let number = text.trim_end_matches(',').bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let other = is_reference(text) || tells_of(name) || (number && (name.contains("TOKEN") || !ends_as_keyword(name)));
    let code = match (quoted, tight) {
        // Constants of a lexer, and texts that are no secret by their length.
        (true, tight) => colon || (!tight && starts_with_keyword(name)),
        (false, true) => is_expression(text) || is_same(name, text.trim_end_matches([',', ')'])),
        (false, false) => {
            is_expression(text) || is_word_of_code(name, text, colon, after) || after.starts_with(OPERATORS)
        }
    };
    (!other && !code).then(|| value.range())
}

/// What a file of settings sets a name in small letters to. That is what code looks like too: only what has a digit counts, and ends with the line or the word.
fn setting(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let (name, sign, value) = (captures.get(1)?, captures.get(2)?, captures.get(3)?);
    let (text, after) = (value.as_str(), &line[value.end()..]);
    let colon = sign.as_str() != "=";
    let ends = if colon {
        let first = line[..name.start()].trim_start_matches([' ', '\t', '+', '-']).is_empty();
        first && (after.trim().is_empty() || after.trim_start().starts_with('#'))
    } else {
        after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || "\"'`".contains(c))
    };
    // A field's type, an argument's own name.
    let bare = text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let keeps_keys = ["key", "token"].iter().any(|it| name.as_str().to_ascii_lowercase().contains(it));
    let typed = colon && bare && keeps_keys && text.starts_with(char::is_uppercase);
    let named = is_same(name.as_str(), text.trim_end_matches(|c: char| c.is_ascii_digit()));
    let secret = ends
        && !typed
        && !named
        && !text.starts_with(['/', '.'])
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && !(text.ends_with([',', ')']) || is_reference(text) || is_expression(text) || tells_of(name.as_str()));
    secret.then(|| value.range())
}

/// A parameter of a connection string or an address.
fn parameter(line: &str, captures: &Captures<'_>) -> Option<Range<usize>> {
    let (whole, name, value) = (captures.get(0)?, captures.get(1)?, captures.get(2)?);
    let text = value.as_str();
    // `"Password=…` begins a connection string only if it goes on as one.
    let begins = whole.as_str().starts_with(['"', '\'', '`']);
    let goes_on = line[value.end()..].starts_with([';', '&']);
    let password = name.as_str().to_ascii_lowercase().starts_with('p');
    let likely = password || (text.len() >= 8 && text.bytes().any(|byte| byte.is_ascii_digit()));
    let secret = (goes_on || !begins) && likely && !is_reference(text) && !is_expression(text);
    secret.then(|| value.range())
}

const OPERATORS: [char; 9] = ['+', '*', '/', '%', '<', '>', '=', '?', '|'];

/// Whether a value is where the secret is, or no value: `$1`, `{{ password }}`, `<your key>`, `%s`; what is masked already.
fn is_reference(value: &str) -> bool {
    value.starts_with(['#', '$', '(', '{', '[', '<', '>', '=', '~', '*', ':', '%', '?', '|'])
}

/// Whether a value is computed: a call, an element, a member of something that settings are read from.
fn is_expression(value: &str) -> bool {
    let value = value.trim_end_matches([',', ')']);
    let path = value.find(|c: char| !(c.is_alphanumeric() || "_.:".contains(c))).unwrap_or(value.len());
    let (path, rest) = value.split_at(path);
    let calls = rest.starts_with(['(', '[', '<', '{']) || rest.starts_with("->");
    let sources = ["env", "config", "settings", "options", "self", "this", "key", "token", "secret", "pass"];
    let read = || rest.is_empty() && is_path(path) && sources.iter().any(|from| path.to_lowercase().contains(from));
    path.starts_with(|c: char| c.is_alphabetic() || c == '_') && (calls || read())
}

/// Whether a text is names with dots or colons between.
fn is_path(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['.', ':']).filter(|part| !part.is_empty()).collect();
    parts.len() > 1 && parts.iter().all(|part| part.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Whether a word that a name in capitals is set to, with blanks between, is code's: a type, a keyword, a constant, the same name.
fn is_word_of_code(name: &str, value: &str, colon: bool, after: &str) -> bool {
    let bare = value.trim_end_matches(',');
    if is_path(bare) {
        return true;
    }
    if !bare.chars().all(|c| c.is_alphanumeric() || c == '_') || bare.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (same, named) = (plain(bare), plain(name));
    let words = [
        "required",
        "optional",
        "string",
        "String",
        "number",
        "boolean",
        "object",
        "symbol",
        "unknown",
        "undefined",
        "nullptr",
        "lambda",
        "function",
    ];
    words.contains(&bare)
        || after.starts_with(';')
        || (colon && bare.len() < value.len())
        || (!colon && same == named)
        // A class.
        || (bare.starts_with(char::is_uppercase) && bare.chars().any(char::is_lowercase) && !bare.contains(|c: char| c.is_ascii_digit()))
        || (!colon && bare.contains('_') && same.contains(named.trim_end_matches('s')))
        || (!colon && bare.contains('_') && bare.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// Whether two names are the same but for how they are written.
fn is_same(name: &str, other: &str) -> bool {
    plain(name) == plain(other)
}

fn plain(text: &str) -> String {
    text.replace(['_', '-'], "").to_lowercase()
}

/// Whether a variable's name ends with what makes it secret.
fn ends_as_keyword(name: &str) -> bool {
    let ends = ["PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "SECRET", "KEY", "CREDENTIAL", "CREDENTIALS"];
    ends.iter().any(|end| name.ends_with(end))
}

fn starts_with_keyword(name: &str) -> bool {
    ["PASS", "SECRET", "TOKEN", "API", "ACCESS", "PRIVATE", "CRED"].iter().any(|keyword| name.starts_with(keyword))
}

/// Whether a name says something about a secret: where it is, how long.
fn tells_of(name: &str) -> bool {
    let ends = [
        "file", "path", "dir", "name", "type", "kind", "length", "len", "size", "count", "limit", "ttl", "url", "uri",
        "endpoint", "header", "timeout",
    ];
    let name = name.to_ascii_lowercase();
    ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests;
