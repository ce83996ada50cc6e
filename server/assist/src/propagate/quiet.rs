//! Whether an argument does nothing but give a value: then it can go with its parameter.

/// Words that do something, or that end what is going on.
const LOUD: &[&str] = &[
    "await", "break", "continue", "delete", "loop", "new", "return", "throw", "try", "typeof", "unsafe", "void",
    "yield",
];

/// Words between two values, or before one.
const BETWEEN: &[&str] = &["and", "as", "in", "is", "or"];
const BEFORE: &[&str] = &["mut", "not"];

/// Names, literals, members, places in lists, and what is reckoned of these; anything else may do something. No language is told apart: what one of them takes for a deed is one.
pub(super) fn quiet(text: &str) -> bool {
    let mut rest = text.trim();
    let mut open = Vec::new();
    // A value stands before `rest`.
    let mut value = false;
    while let Some(first) = rest.chars().next() {
        let word_end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
        let word = &rest[..word_end];
        let two = rest.get(..2).unwrap_or_default();
        let taken = match first {
            '"' | '\'' | '`' => match quoted(rest, first).filter(|_| !value) {
                Some(end) => {
                    value = true;
                    end
                }
                None => return false,
            },
            _ if !word.is_empty() => {
                let quote = rest[word_end..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
                match (quote, value) {
                    _ if LOUD.contains(&word) => return false,
                    (None, true) if BETWEEN.contains(&word) => value = false,
                    (None, false) if BEFORE.contains(&word) => {}
                    // Prefixes of strings that are what they say.
                    (Some(_), false) if matches!(word.to_lowercase().as_str(), "r" | "b" | "u" | "rb" | "br") => {}
                    (None, false) => value = true,
                    _ => return false,
                }
                word_end
            }
            '(' | '[' | '{' if first != '(' || !value => {
                open.push(first);
                value = false;
                1
            }
            ')' | ']' | '}' => {
                let fits = matches!((open.pop(), first), (Some('('), ')') | (Some('['), ']') | (Some('{'), '}'));
                if !fits {
                    return false;
                }
                value = true;
                1
            }
            _ if first.is_whitespace() => 1,
            ',' | ':' if !open.is_empty() && two != "::" && two != ":=" => {
                value = false;
                1
            }
            _ => {
                const OPERATORS: &[&str] =
                    &["===", "!==", "..=", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "::", "..", "//"];
                let known = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
                match (known, first) {
                    (Some(operator), _) if value => {
                        value = false;
                        operator.len()
                    }
                    _ if matches!(two, "++" | "--" | "<-") => return false,
                    // What TypeScript asserts, and no macro.
                    (None, '!') if value && !rest[1..].starts_with(['[', '{', '(', '"']) => 1,
                    (None, '.' | '+' | '-' | '*' | '/' | '%' | '<' | '>' | '&' | '|' | '^') if value => {
                        value = false;
                        1
                    }
                    (None, '-' | '+' | '!' | '~' | '&' | '*') if !value => 1,
                    _ => return false,
                }
            }
        };
        rest = &rest[taken..];
    }
    open.is_empty() && (value || text.trim().is_empty())
}

/// Where the string ends that `text` begins with, if nothing is computed in it.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let long = quote.to_string().repeat(3);
    let long = text.starts_with(&long) && text.len() >= 6;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(if long { 3 } else { 1 }) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '$' if quote == '`' && text[at..].starts_with("${") => return None,
            _ if c == quote && !long => return Some(at + 1),
            _ if c == quote && text[at..].starts_with(&quote.to_string().repeat(3)) => return Some(at + 3),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::quiet;

    #[test]
    fn what_does_nothing() {
        for text in [
            "a",
            "1",
            "-1.5",
            "\"a (b)\"",
            "'x = 1'",
            "a.b.c",
            "a?.b",
            "a[0]",
            "a[i].b",
            "A::B",
            "&a",
            "&mut a",
            "*a",
            "!a",
            "not a",
            "a + 1",
            "a and b",
            "x as u8",
            "[1, 2]",
            "{}",
            "{ a: 1, 'b': c }",
            "(1, 2)",
            "None",
            "r\"x\"",
            "`a`",
            "\"\"\"a\"\"\"",
            "0..10",
            "a === b",
            "x!",
            "a!.b",
            "",
        ] {
            assert!(quiet(text), "{text}");
        }
    }

    #[test]
    fn what_may_do_something() {
        for text in [
            "i++",
            "--i",
            "x = 3",
            "delete a.b",
            "new Foo",
            "tag`a`",
            "`${f}`",
            "a := 3",
            "x?",
            "{ i += 1; i }",
            "if a { return 3 } else { 4 }",
            "<-ch",
            "f()",
            "a.b()",
            "await x",
            "yield x",
            "() => 1",
            "x => x",
            "vec![a]",
            "f\"{x}\"",
            "a[i++]",
            "return",
            "loop {}",
            "a[f()]",
            "x if y else z",
            "|x| x",
            "<div/>",
        ] {
            assert!(!quiet(text), "{text}");
        }
    }
}
