//! GPT-2's printable stand-ins for bytes: how byte-level vocabularies spell their tokens.
//!
//! Bytes that print as Latin-1 stand for themselves; the others are U+0100, U+0101, ... in order.

/// The character that stands for a byte.
pub(super) fn encode(byte: u8) -> char {
    let shifted = match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => return char::from(byte),
        0..=0x20 => u32::from(byte),
        0x7f..=0xa0 => u32::from(byte) - 0x7f + 0x21,
        0xad => 0x43,
    };
    char::from_u32(0x100 + shifted).unwrap_or_default()
}

/// The byte that a character stands for, if it does.
fn byte(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 0x7f,
        0x143 => 0xad,
        _ => code,
    };
    u8::try_from(byte).ok().filter(|&byte| encode(byte) == c)
}

/// The bytes that a token spells. One with characters outside the alphabet is meant literally.
pub(super) fn decode(token: &str) -> Vec<u8> {
    token.chars().map(byte).collect::<Option<_>>().unwrap_or_else(|| token.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_crate() {
        let ours: std::collections::BTreeSet<char> = (0..=255).map(encode).collect();
        let theirs = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        assert_eq!(ours, theirs.into_iter().collect());
        assert_eq!((encode(b' '), encode(b'\n'), encode(0xad)), ('Ġ', 'Ċ', 'Ń'));
        for b in 0..=255 {
            assert_eq!(byte(encode(b)), Some(b));
        }
        assert_eq!(decode("Ġif"), b" if");
        assert_eq!(decode("日"), "日".as_bytes());
    }
}
