//! Runs of characters that look drawn at random, whatever stands before them.

use std::ops::Range;

/// Runs of letters and digits that no person and no naming convention makes: keys in base 64, long numbers in hex.
pub(super) fn runs(line: &str) -> Vec<Range<usize>> {
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
