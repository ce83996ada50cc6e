"""Train ember's byte-level BPE and encode with it.

The pre-tokenizer is qwen2's, so that llama.cpp and the engine read the vocabulary with code they already have. Ids 0..31 are
specials. The encoder knows no special strings: source text that contains `<|eot|>` stays text; specials are put in as ids.
"""

import argparse, json, random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

NAMED = ["eot", "bos", "file", "suffix", "prefix", "recent", "repo", "edits", "region", "endregion", "cursor", "rewrite", "next", "instruct", "diagnostic"]
SPECIALS = [f"<|{name}|>" for name in NAMED] + [f"<|reserved_{i}|>" for i in range(len(NAMED), 32)]
EOT, BOS, FILE, SUFFIX, PREFIX, RECENT, _, EDITS, REGION, ENDREGION, CURSOR, REWRITE, NEXT, INSTRUCT, DIAGNOSTIC = range(len(NAMED))
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Share of the vocabulary's training text by language.
MIX = {"rust": 0.45, "python": 0.20, "typescript": 0.09, "javascript": 0.06, "go": 0.06, "c": 0.05, "cpp": 0.04, "java": 0.05}


def with_pipeline(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def save(tokenizer: Tokenizer, path: Path):
    """With the special strings, as others read it."""
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIALS])
    tokenizer.save(str(path))


def load(path: Path) -> Tokenizer:
    """The plain-text encoder of a tokenizer.json this file wrote: its model without the special strings."""
    model = json.loads(path.read_text())["model"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    return with_pipeline(Tokenizer(models.BPE(vocab=model["vocab"], merges=merges)))


def training_text(data: Path, budget: int, seed: int):
    """Files of the training split, drawn until each language has its share of `budget` bytes."""
    files: dict[str, list[str]] = {language: [] for language in MIX}
    for path in sorted((data / "files/train").glob("*.jsonl")):
        for line in path.open():
            record = json.loads(line)
            files[record["language"]].append(record["text"])
    rng = random.Random(seed)
    for language, texts in files.items():
        rng.shuffle(texts)
        left = int(budget * MIX[language])
        for text in texts:
            if left <= 0:
                break
            left -= len(text)
            yield text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--vocab", type=int, default=8192)
    parser.add_argument("--bytes", type=int, default=40_000_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tokenizer = with_pipeline(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(
        vocab_size=args.vocab, special_tokens=SPECIALS, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), max_token_length=24
    )
    texts = list(training_text(args.data, args.bytes, args.seed))
    tokenizer.train_from_iterator(texts, trainer)
    out = args.data / f"tokenizer-{args.vocab}.json"
    save(tokenizer, out)
    plain = load(out)
    assert plain.get_vocab_size() == args.vocab and [plain.id_to_token(i) for i in range(32)] == SPECIALS
    sample = texts[:200]
    count = sum(len(plain.encode(text).ids) for text in sample)
    assert plain.decode(plain.encode(sample[0]).ids) == sample[0]
    print(f"{out}: {sum(len(t.encode()) for t in sample) / count:.2f} bytes a token")


if __name__ == "__main__":
    main()
