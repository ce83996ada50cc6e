//! Half a surrogate pair in a message. The strings of editors written in JavaScript may have one alone, JSON can write it, and no text of ours can hold it: it would
//! cost the whole message, and an edit that is lost damages all that follow.

/// Makes every half that stands alone U+FFFD, which is one unit of UTF-16 too: positions stay what they are.
pub(super) fn mend(body: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = body.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        let next = body.get(at + 6..).and_then(unit);
        match unit(&body[at..]) {
            Some(0xD800..=0xDBFF) if matches!(next, Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                body[at + 2..at + 6].copy_from_slice(b"FFFD");
                at += 6;
            }
            Some(_) => at += 6,
            // Another escape: a backslash's own among them.
            None => at += 2,
        }
    }
}

/// The unit of UTF-16 that is written out where `escape` begins.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str) -> String {
        let mut body = body.as_bytes().to_vec();
        mend(&mut body);
        String::from_utf8_lossy(&body).into_owned()
    }

    #[test]
    fn only_what_stands_alone_is_replaced() {
        for same in [r#""\ud83d\ude01\u0041\n\\ud83d""#, r#""\\\\ude01 é 😀""#, "\"\\", r#""\u12"#, ""] {
            assert_eq!(check(same), same);
        }
        assert_eq!(check(r#""\ude01""#), r#""\uFFFD""#);
        assert_eq!(check(r#""\ud83d""#), r#""\uFFFD""#);
        assert_eq!(check(r#""\uD83D\ud83d\ude01\ude01x""#), r#""\uFFFD\ud83d\ude01\uFFFDx""#);
        assert_eq!(check(r#""\ud83d\u0041\\\ude01""#), r#""\uFFFD\u0041\\\uFFFD""#);
    }
}
