//! From bytes to bodies: headers, `Content-Length`, and how to find the next frame after one that cannot be read.

use std::io;

use tokio_util::{
    bytes::{Buf, Bytes, BytesMut},
    codec::Decoder,
};

use super::surrogates;

/// Headers are two short lines; more without an end is not LSP.
const LONGEST_HEADER: usize = 4096;
/// A body is at most one document's text and its escapes.
const LONGEST_BODY: usize = 1 << 30;
const HEADER_END: &[u8] = b"\r\n\r\n";
const LENGTH: &str = "Content-Length";

/// Why a frame could not be read. The stream goes on at the next `Content-Length`.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Malformed {
    #[error("expected a header `Name: value`, found {0:?}")]
    Header(String),
    #[error("expected a Content-Length header, found none")]
    NoLength,
    #[error("Content-Length: expected a number of bytes up to {LONGEST_BODY}, found {0:?}")]
    Length(String),
    #[error("expected headers to end within {LONGEST_HEADER} bytes")]
    Endless,
}

/// The decoder of one stream. A malformed frame is an item, not an error: an error would end the stream.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The length of the body being read; `None` in headers.
    body: Option<usize>,
    /// Whether bytes are being skipped since something malformed, which is told once.
    lost: bool,
}

impl Decoder for Frames {
    type Item = Result<Bytes, Malformed>;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        loop {
            if let Some(length) = self.body {
                if source.len() < length {
                    return Ok(None);
                }
                self.body = None;
                let mut body = source.split_to(length);
                surrogates::mend(&mut body);
                return Ok(Some(Ok(body.freeze())));
            }
            let end = source.windows(HEADER_END.len()).position(|window| window == HEADER_END);
            let header = match end {
                Some(end) => parse(&source[..end]),
                None if source.len() > LONGEST_HEADER => Err(Malformed::Endless),
                None => return Ok(None),
            };
            match (header, end) {
                (Ok(length), Some(end)) => {
                    source.advance(end + HEADER_END.len());
                    self.body = Some(length);
                    self.lost = false;
                }
                (header, _) => {
                    skip(source);
                    if let Err(malformed) = header
                        && !std::mem::replace(&mut self.lost, true)
                    {
                        return Ok(Some(Err(malformed)));
                    }
                }
            }
        }
    }
}

/// The body's length. Names count in any case of letters (as HTTP's do); other headers are of no use here: LSP knows one encoding only.
fn parse(header: &[u8]) -> Result<usize, Malformed> {
    let text = String::from_utf8_lossy(header);
    let mut length = None;
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| Malformed::Header(excerpt(line)))?;
        if name.eq_ignore_ascii_case(LENGTH) {
            let bytes = value.trim().parse().ok().filter(|bytes| *bytes <= LONGEST_BODY);
            length = Some(bytes.ok_or_else(|| Malformed::Length(excerpt(value.trim())))?);
        }
    }
    length.ok_or(Malformed::NoLength)
}

/// Drops bytes up to the next `Content-Length` that is not at the very beginning; without one, all but what may be the start of one.
fn skip(source: &mut BytesMut) {
    let found = source.windows(LENGTH.len()).skip(1).position(|window| window.eq_ignore_ascii_case(LENGTH.as_bytes()));
    let keep = found.map_or_else(|| (LENGTH.len() - 1).min(source.len().saturating_sub(1)), |at| source.len() - at - 1);
    source.advance(source.len() - keep);
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out of `input` when it arrives in pieces of `step` bytes.
    fn check(input: &[u8], step: usize) -> Vec<Result<String, Malformed>> {
        let (mut frames, mut buffer, mut out) = (Frames::default(), BytesMut::new(), Vec::new());
        for piece in input.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = frames.decode(&mut buffer).unwrap() {
                out.push(frame.map(|body| String::from_utf8(body.to_vec()).unwrap()));
            }
        }
        out
    }

    #[test]
    fn frames_come_out_however_the_bytes_arrive() {
        let input =
            "Content-Length: 2\r\n\r\n{}content-length:3\r\nContent-Type: x\r\n\r\n[1]Content-Length: 0\r\n\r\n";
        for step in 1..input.len() {
            let expected = ["{}", "[1]", ""].map(|body| Ok(body.to_owned()));
            assert_eq!(check(input.as_bytes(), step), expected, "{step}");
        }
    }

    #[test]
    fn what_is_malformed_is_told_once_and_skipped() {
        for (garbage, told) in [
            ("Content-Length: two\r\n\r\n{}", Malformed::Length("two".to_owned())),
            ("Content-Length: 99999999999999\r\n\r\n{}", Malformed::Length("99999999999999".to_owned())),
            ("Content-Type: x\r\n\r\n", Malformed::NoLength),
            ("hello\r\n\r\n", Malformed::Header("hello".to_owned())),
            ("hello\r\n", Malformed::Header("hello".to_owned())),
        ] {
            let input = format!("{garbage}Content-Length: 2\r\n\r\n[]");
            for step in 1..input.len() {
                let out = check(input.as_bytes(), step);
                assert_eq!(out, [Err(told.clone()), Ok("[]".to_owned())], "{garbage:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn a_header_without_end_does_not_fill_the_memory() {
        let input = "x".repeat(LONGEST_HEADER * 3);
        let (mut frames, mut buffer, mut told) = (Frames::default(), BytesMut::new(), 0);
        for piece in input.as_bytes().chunks(100) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = frames.decode(&mut buffer).unwrap() {
                assert_eq!(frame, Err(Malformed::Endless));
                told += 1;
            }
            assert!(buffer.len() <= LONGEST_HEADER + 100);
        }
        assert_eq!(told, 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(input in proptest::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
            let (mut frames, mut buffer) = (Frames::default(), BytesMut::new());
            for piece in input.chunks(step) {
                buffer.extend_from_slice(piece);
                while frames.decode(&mut buffer).unwrap().is_some() {}
            }
        }
    }
}
