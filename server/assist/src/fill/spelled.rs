//! Fill-in-the-middle prompts that a client has spelled out for some family, read back into prefix and suffix: then any loaded model can serve them.

/// A family's markers in the order in which a prompt has them.
struct Format {
    first: &'static str,
    second: &'static str,
    /// Empty where nothing follows the second part.
    last: &'static str,
    /// The first part is the suffix.
    suffix_first: bool,
}

const FORMATS: [Format; 5] = [
    // Qwen2.5-Coder, CodeGemma.
    Format { first: "<|fim_prefix|>", second: "<|fim_suffix|>", last: "<|fim_middle|>", suffix_first: false },
    // StarCoder 2, Granite.
    Format { first: "<fim_prefix>", second: "<fim_suffix>", last: "<fim_middle>", suffix_first: false },
    // DeepSeek-Coder.
    Format {
        first: "<｜fim▁begin｜>", second: "<｜fim▁hole｜>", last: "<｜fim▁end｜>", suffix_first: false
    },
    // CodeLlama.
    Format { first: "<PRE> ", second: " <SUF>", last: " <MID>", suffix_first: false },
    // Codestral.
    Format { first: "[SUFFIX]", second: "[PREFIX]", last: "", suffix_first: true },
];

/// Prefix and suffix of a prompt that is nothing but one of the known formats, each marker once.
pub fn parse(prompt: &str) -> Option<(&str, &str)> {
    FORMATS.iter().find_map(|format| {
        let rest = prompt.strip_prefix("<s>").unwrap_or(prompt).strip_prefix(format.first)?;
        let (one, two) = rest.strip_suffix(format.last)?.split_once(format.second)?;
        let again = |text: &str| [format.first, format.second].iter().any(|marker| text.contains(marker));
        if again(two) || (!format.last.is_empty() && two.contains(format.last)) || again(one) {
            return None;
        }
        Some(if format.suffix_first { (two, one) } else { (one, two) })
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn each_format_is_read_back() {
        let prompts = [
            "<|fim_prefix|>a b<|fim_suffix|>c\n<|fim_middle|>",
            "<fim_prefix>a b<fim_suffix>c\n<fim_middle>",
            "<｜fim▁begin｜>a b<｜fim▁hole｜>c\n<｜fim▁end｜>",
            "<PRE> a b <SUF>c\n <MID>",
            "<s>[SUFFIX]c\n[PREFIX]a b",
        ];
        for prompt in prompts {
            assert_eq!(parse(prompt), Some(("a b", "c\n")), "{prompt}");
        }
    }

    #[test]
    fn what_is_not_quite_one_is_left_alone() {
        let prompts = [
            "fn main() {",
            "// see <|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
            "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c",
            "<|fim_prefix|>a<|fim_suffix|>b<|fim_suffix|>c<|fim_middle|>",
            "",
        ];
        for prompt in prompts {
            assert_eq!(parse(prompt), None, "{prompt}");
        }
    }
}
