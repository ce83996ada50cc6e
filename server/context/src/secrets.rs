//! What looks like a password or a key is masked before it can enter a prompt, whatever source it comes from.
//!
//! A mask has as many bytes as what it stands for and depends on the line alone, so that a prompt's tokens stay the same from one keystroke to the next.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::{Regex, RegexSet};

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

/// Values that are secret by the name before them; group 1 is the secret.
const NAMED: [&str; 4] = [
    r#"(?i)(?:passw(?:or)?d|passwd|pwd|passphrase|secret|credential)[a-z0-9_]*["'\]]?\s*(?:[:=]|=>|:=)\s*[a-z]{0,2}["'`]([^"'`\s]{6,})["'`]?"#,
    r#"(?i)(?:api_?-?key|access_?-?key|auth_?-?key|private_?-?key|client_?-?secret|token|bearer)[a-z0-9_]*["'\]]?\s*(?:[:=]|=>|:=)\s*[a-z]{0,2}["'`]([A-Za-z0-9+/=_.~-]{12,})["'`]?"#,
    r#"^\s*(?:export\s+)?[A-Z][A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)[A-Z0-9_]*\s*=\s*["']?([^\s"'#$({][^\s"'#]{5,})"#,
    r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/:@]{3,})@",
];

static QUICK: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(KNOWN.iter().chain(&NAMED)).ok());
static PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| KNOWN.iter().chain(&NAMED).filter_map(|pattern| Regex::new(pattern).ok()).collect());

/// `text` with every secret masked, line by line. Borrowed where there is none.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        found.extend(secrets(line).into_iter().map(|range| at + range.start..at + range.end));
        at += line.len();
    }
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

/// The bytes of one line's secrets, in order and apart from each other.
pub fn secrets(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Most lines have none of it: one look decides.
    let hits = QUICK.as_ref().map(|set| set.matches(line));
    for (number, pattern) in PATTERNS.iter().enumerate() {
        if hits.as_ref().is_some_and(|hits| !hits.matched(number)) {
            continue;
        }
        for captures in pattern.captures_iter(line) {
            if let Some(secret) = captures.get(1).or_else(|| captures.get(0)) {
                found.push(secret.range());
            }
        }
    }
    found.extend(random_runs(line));
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

/// Runs of letters and digits that no person and no naming convention makes: keys in base 64, long numbers in hex.
fn random_runs(line: &str) -> Vec<Range<usize>> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && is_part(bytes[at]) {
            at += 1;
        }
        if at - start >= SHORTEST_RUN && is_random(&line[start..at]) {
            found.push(start..at);
        }
        at += 1;
    }
    found
}

const SHORTEST_RUN: usize = 20;

fn is_random(run: &str) -> bool {
    let hex = run.len() >= 32 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex {
        return entropy(run) > 3.0;
    }
    #[derive(PartialEq)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Other,
    }
    let class = |byte: u8| match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        _ => Class::Other,
    };
    // Paths and words with dashes change class at every separator: only what is between them counts.
    let pieces = run.split(['/', '-', '_', '=', '+']).filter(|piece| !piece.is_empty());
    let longest = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
    if longest.len() < SHORTEST_RUN / 2 {
        return false;
    }
    let bytes = run.as_bytes();
    let turns = bytes.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    // Names in camel case turn often too, but seldom at digits.
    let digits = bytes.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    digits * 100 >= run.len() * 12 && turns * 100 >= run.len() * 42 && entropy(run) > 3.6
}

/// Shannon's, in bits a character.
fn entropy(run: &str) -> f32 {
    let mut counts = [0u32; 128];
    run.bytes().for_each(|byte| counts[usize::from(byte & 127)] += 1);
    let length = run.len() as f32;
    let of = |count: u32| count as f32 / length;
    counts.iter().filter(|&&count| count > 0).map(|&count| -of(count) * of(count).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with the secret in it; none of them is real.
    const PLANTED: [(&str, &str); 14] = [
        ("key = \"{}\"", "AKIAIOSFODNN7EXAMPLE"),
        ("auth(\"{}\")", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("const stripe = '{}';", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("client(\"{}\")", "sk-proj-abcdefghij0123456789ABCDEFGHIJ"),
        ("password = \"{}\"", "hunter2!"),
        ("  \"db_password\": \"{}\",", "correct-horse"),
        ("secret: '{}'", "swordfish"),
        ("let api_key = \"{}\";", "abcd1234efgh5678"),
        ("export DB_PASSWORD={}", "pa55word-of-mine"),
        ("url = \"postgres://app:{}@db:5432/x\"", "s3cr3tpw"),
        ("jwt(\"{}\")", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"),
        ("{}", "MIIEowIBAAKCAQEAvQn8Z3kR9tX2Lb7wPqY5sD1fGhJ4kL6mN8oP0qR2sT4uV6wX"),
        ("sign(\"{}\")", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("token = '{}'", "Zx8Qp2Lk9Vb4Nm7Rt1Ws"),
    ];

    #[test]
    fn what_is_secret_is_masked_at_its_length() {
        for (line, secret) in PLANTED {
            let text = format!("before();\n{}\nafter();\n", line.replace("{}", secret));
            let masked = masked(&text);
            assert!(!masked.contains(secret), "{masked}");
            assert_eq!(masked.len(), text.len());
            assert!(masked.starts_with("before();\n") && masked.ends_with("\nafter();\n"), "{masked}");
            assert_eq!(super::masked(&masked), masked, "a mask is no secret");
        }
    }

    #[test]
    fn code_is_left_alone() {
        for text in [
            "let window = Window::around(snapshot, cursor..cursor, budget, head, counter);",
            "fn the_same_project_has_the_same_key_in_every_client() {",
            "use pilotlight_context::{Budget, HttpServerConnectionPoolManagerFactory2};",
            "https://docs.rs/tree-sitter/0.27.1/tree_sitter/struct.Parser.html#method.parse_with_options",
            "let token = tokens.next();",
            "token_counter: &dyn TokenCounter,",
            "const IMPORTANT_LONG_CONSTANT_NAME_2: usize = 0;",
            "password: &str, secret: Option<String>,",
            "let id = \"550e8400-e29b-41d4-a716-446655440000\";",
            "server/context/src/family/qwen2_5_coder.rs:128:44-server/engine/src/weights/gguf.rs",
            "assert_eq!(parse(\"getElementsByClassName\"), getElementsByClassName2AndAllOthers3);",
        ] {
            assert!(matches!(masked(text), Cow::Borrowed(_)), "{}", masked(text));
        }
    }
}
