//! What is known of a type without a type checker: the name that is written, and what a value tells.

/// The simple name of a type as written (`Point` of `&mut geo::Point<T>`), and what it is given (`T`); references and boxes are looked through, a missing value too (`Point | null`).
pub(crate) fn simple(text: &str) -> (String, String) {
    let mut text = text.trim().trim_matches(['"', '\'']);
    if let Some(union) =
        text.split('|').map(str::trim).find(|part| !matches!(*part, "null" | "undefined" | "None" | ""))
        && !text.contains(['(', '{'])
        && depth_free(text, '|')
    {
        text = union;
    }
    loop {
        let start = text;
        text = text.trim_start_matches(['&', '*', '?', ' ']);
        if text.starts_with('\'') {
            text = text.split_once(' ').map_or("", |(_, rest)| rest);
        }
        for word in ["mut ", "dyn ", "impl ", "const ", "readonly ", "final "] {
            text = text.strip_prefix(word).unwrap_or(text);
        }
        for (open, close) in [
            ("Box<", '>'),
            ("Arc<", '>'),
            ("Rc<", '>'),
            ("Optional[", ']'),
            ("Readonly<", '>'),
            ("Partial<", '>'),
            ("Required<", '>'),
            ("Self::", ' '),
        ] {
            let inner = text.strip_prefix(open).map(|inner| inner.trim_end_matches(close));
            text = inner.filter(|inner| !inner.contains(',')).unwrap_or(text);
        }
        if text == start {
            break;
        }
    }
    let end = text.find(['<', '[', '(', '{', ' ']).unwrap_or(text.len());
    let (path, given) = text.split_at(end);
    let name = path.trim_end_matches(':').rsplit([':', '.']).next().unwrap_or_default();
    (name.to_owned(), given.to_owned())
}

/// The separator stands outside of all brackets.
fn depth_free(text: &str, separator: char) -> bool {
    let mut depth = 0;
    for c in text.chars() {
        depth += i32::from(matches!(c, '<' | '[' | '(' | '{')) - i32::from(matches!(c, '>' | ']' | ')' | '}'));
        if c == separator && depth > 0 {
            return false;
        }
    }
    true
}

/// What a value tells of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is made as one: `Point { .. }`, `Point::new(..)`, `new Point(..)`, `Point(..)`.
    Of(String),
    /// By a function of that name.
    By(String),
    /// Nothing.
    Unknown,
}

/// What the text of a value (perhaps cut off) tells.
pub(crate) fn made(text: &str) -> Made {
    let mut text = text.trim_start_matches(['&', '*', ' ']);
    for word in ["mut ", "await ", "new ", "Box::new(", "Arc::new(", "Rc::new("] {
        text = text.strip_prefix(word).unwrap_or(text).trim_start();
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '.'))).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let rest = match rest.strip_prefix('<') {
        Some(inner) => inner.split_once('>').map_or("", |(_, rest)| rest),
        None => rest,
    };
    // What is done with the result tells another type.
    let whole = |open: char, close: char| {
        rest.trim_start().strip_prefix(open).is_some_and(|inner| {
            let mut depth = 1;
            let closed = inner.char_indices().find(|(_, c)| {
                depth += i32::from(*c == open) - i32::from(*c == close);
                depth == 0
            });
            closed.is_none_or(|(at, _)| inner[at + 1..].trim_matches([')', ';', ' ', '\n']).is_empty())
        })
    };
    let parts: Vec<&str> = path.split([':', '.']).filter(|part| !part.is_empty()).collect();
    let upper = |part: &&&str| part.starts_with(|c: char| c.is_uppercase());
    let Some(last) = parts.last() else { return Made::Unknown };
    match rest.trim_start().chars().next() {
        Some('{') if whole('{', '}') => Made::Of((*last).to_owned()),
        Some('(') if whole('(', ')') => match (parts.last().filter(upper), parts.iter().rev().nth(1).filter(upper)) {
            // A constructor by convention; what else a type's functions give is told by their signatures.
            (None, Some(of))
                if path.contains("::") && matches!(*last, "new" | "default" | "from" | "with_capacity") =>
            {
                Made::Of((*of).to_owned())
            }
            // A variant, or Go's `pkg.Type`.
            (Some(_), Some(of)) if path.contains("::") => Made::Of((*of).to_owned()),
            (Some(of), _) => Made::Of((*of).to_owned()),
            (None, _) => Made::By((*last).to_owned()),
        },
        _ => Made::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_names() {
        for (text, expected) in [
            ("&'a mut geo::Point<T>", "Point"),
            ("Arc<Point>", "Point"),
            ("Option<Point>", "Option"),
            ("Optional[Point]", "Point"),
            ("Point | null", "Point"),
            ("Readonly<Partial<Point>>", "Point"),
            ("Map<A | B, C>", "Map"),
            ("*pkg.Point", "Point"),
            ("'Point'", "Point"),
            ("&dyn Shape", "Shape"),
            ("[]Point", ""),
            ("", ""),
        ] {
            assert_eq!(simple(text).0, expected, "{text}");
        }
    }

    #[test]
    fn values() {
        let of = |name: &str| Made::Of(name.to_owned());
        for (text, expected) in [
            ("Point { x: 1 }", of("Point")),
            ("&geo.Point{X: 1}", of("Point")),
            ("geo::Point::new(1)", of("Point")),
            ("Point::parse(1)", Made::By("parse".into())),
            ("new Point(1, 2)", of("Point")),
            ("Point(1)", of("Point")),
            ("Point(1).x()", Made::Unknown),
            ("make(1)", Made::By("make".into())),
            ("make(1)?", Made::Unknown),
            ("x", Made::Unknown),
            ("", Made::Unknown),
        ] {
            assert_eq!(made(text), expected, "{text}");
        }
    }
}
