"""Cut training samples from the clean files into shards: DATA/shards/<number>.npz, token ids with the role of each token.

A sample is `<|bos|>(<|file|>PATH\\nCHUNK)*<|file|>PATH\\n<|suffix|>S(<|recent|>SNIPPET)*<|prefix|>P` M `<|eot|>`, where P + M + S is a
window of the document, byte for byte, and each part is tokenised on its own. Roles: 0 context and suffix, 1 prefix and plain files,
2 the middle and its end. Some samples are edits (`edits.py`): a region of lines, and what becomes of it. A shard is a function of its
number and the data; missing shards are cut, present ones left alone.
"""

import argparse, json, multiprocessing, os, random
from pathlib import Path

import numpy as np

import edits
import holes
import tokenizer as tok
from repository import Index

MAX_TOKENS = 1024
CHARS = 3.2  # a token, roughly: only for choosing windows
EDIT_SHARE = 0.15  # of the samples that are no plain files
# Share of the samples by language: what people write, and no language starved.
MIX = {"rust": 0.22, "python": 0.20, "typescript": 0.13, "javascript": 0.10, "go": 0.10, "java": 0.09, "c": 0.08, "cpp": 0.08}


def window(text: str, start: int, end: int, before: int, after: int) -> tuple[str, str]:
    """Prefix and suffix of at most about so many characters, cut at line boundaries away from the hole."""
    left = start - before
    left = 0 if left <= 0 else text.find("\n", left, start) + 1 or start - min(start, 200)
    right = end + after
    right = len(text) if right >= len(text) else max(text.rfind("\n", end, right) + 1, end)
    return text[left:start], text[end:right]


class Encoder:
    """Builds the token ids and roles of one sample."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def text(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def prompt(self, path: str, prefix: str, suffix: str, context: list[tuple[str, str]], recent: list[str]) -> tuple[list[int], list[int]]:
        ids = [tok.BOS]
        for other, chunk in context:
            ids += [tok.FILE] + self.text(f"{other}\n{chunk}")
        ids += [tok.FILE] + self.text(f"{path}\n") + [tok.SUFFIX] + self.text(suffix)
        for snippet in recent:
            ids += [tok.RECENT] + self.text(snippet)
        ids.append(tok.PREFIX)
        roles = [0] * len(ids)
        p = self.text(prefix)
        return ids + p, roles + [1] * len(p)

    def hole(self, path, prefix, middle, suffix, context, recent) -> tuple[list[int], list[int]]:
        ids, roles = self.prompt(path, prefix, suffix, context, recent)
        m = self.text(middle) + [tok.EOT]
        return ids + m, roles + [2] * len(m)

    def edit(self, path: str, of: edits.Sample, before: str, after: str) -> tuple[list[int], list[int]]:
        """`before` and `after` are as much of the document around the region as there is room for."""
        ids = [tok.BOS, tok.FILE] + self.text(f"{path}\n") + [tok.SUFFIX] + self.text(after)
        for was, now in of.edits:
            lines = [f"{mark}{line}\n" for mark, text in (("-", was), ("+", now)) for line in text.splitlines()]
            ids += [tok.EDITS] + self.text(f"{path}\n{''.join(lines)}")
        ids.append(tok.PREFIX)
        roles = [0] * len(ids)
        p = self.text(before)
        ids, roles = ids + p, roles + [1] * len(p)
        region = [self.text(of.region)]
        if of.cursor is not None:
            region = [self.text(of.region[: of.cursor]), [tok.CURSOR], self.text(of.region[of.cursor :])]
        asked = [tok.REGION, *sum(region, []), tok.ENDREGION]
        if of.diagnostic:
            asked += [tok.DIAGNOSTIC] + self.text(of.diagnostic)
        if of.instruction:
            asked += [tok.INSTRUCT] + self.text(of.instruction)
        asked.append(tok.REWRITE if of.instruction else tok.NEXT)
        answer = self.text(of.becomes) + [tok.EOT]
        return ids + asked + answer, roles + [0] * len(asked) + [2] * len(answer)

    def plain(self, path: str, text: str) -> tuple[list[int], list[int]]:
        ids = [tok.BOS, tok.FILE] + self.text(f"{path}\n{text}")[: MAX_TOKENS - 3]
        ids.append(tok.EOT)
        return ids, [1] * len(ids)


def sample(rng: random.Random, record: dict, encoder: Encoder, index, edit_share: float) -> tuple[list[int], list[int]] | None:
    text, path = record["text"], record["path"]
    if rng.random() < 0.08:
        if len(text) < 2800:
            return encoder.plain(path, text)
        return None
    if rng.random() < edit_share and len(text) < 60_000:
        return edit_sample(rng, record, encoder)
    hole = holes.cut(rng, text, record["language"])
    if hole is None:
        return None
    _, start, end = hole
    context, recent = [], []
    if rng.random() < 0.35:
        near = text[max(0, start - 600) : start] + text[end : end + 300]
        if rng.random() < 0.5:
            near = text[start:end] * 2 + near  # as if the symbols that will be needed were looked up
        context = index().best(near, path, rng.randint(1, 3))
        if context and rng.random() < 0.2:
            recent = [context.pop()[1]]
    before = int(CHARS * (rng.randint(20, 700) if not context else rng.randint(20, 450)))
    after = 0 if rng.random() < 0.15 else int(CHARS * rng.randint(10, 200))
    for _ in range(4):
        prefix, suffix = window(text, start, end, before, after)
        ids, roles = encoder.hole(path, prefix, text[start:end], suffix, context, recent)
        if len(ids) <= MAX_TOKENS:
            return ids, roles
        before, after, context = before * 2 // 3, after * 2 // 3, context[1:]
    return None


def edit_sample(rng: random.Random, record: dict, encoder: Encoder) -> tuple[list[int], list[int]] | None:
    """A region of `record` and what becomes of it."""
    of = edits.cut(rng, record["text"], record["language"])
    if of is None:
        return None
    document = of.before + of.region + of.after
    start, end = len(of.before), len(of.before) + len(of.region)
    before, after = int(CHARS * rng.randint(20, 400)), 0 if rng.random() < 0.15 else int(CHARS * rng.randint(10, 150))
    for _ in range(4):
        prefix, suffix = window(document, start, end, before, after)
        ids, roles = encoder.edit(record["path"], of, prefix, suffix)
        if len(ids) <= MAX_TOKENS:
            return ids, roles
        before, after = before // 2, after // 2
    return None


def package_samples(job: tuple[str, str, int, int, float]) -> list[tuple[list[int], list[int]]]:
    """All samples of one package of one shard."""
    path, tokenizer_path, count, seed, edit_share = job
    global ENCODER
    if "ENCODER" not in globals():
        ENCODER = Encoder(tok.load(Path(tokenizer_path)))
    rng = random.Random(f"{seed} {Path(path).name}")
    files = [json.loads(line) for line in open(path)]
    rng.shuffle(files)
    weights = [min(len(f["text"]), 20_000) for f in files]
    built = []

    def index() -> Index:
        if not built:
            built.append(Index(files))
        return built[0]

    out = []
    for record in rng.choices(files, weights, k=count):
        for _ in range(3):
            made = sample(rng, record, ENCODER, index, edit_share)
            if made:
                out.append(made)
                break
    return out


def plan(data: Path, split: str, count: int, seed: int) -> list[tuple[str, int]]:
    """How many samples each package gives: languages by `MIX`, packages by a damped size."""
    sizes: dict[str, list[tuple[str, float]]] = {language: [] for language in MIX}
    for path in sorted((data / "files" / split).glob("*.jsonl")):
        with path.open() as f:
            language = json.loads(f.readline())["language"]
        sizes[language].append((str(path), path.stat().st_size ** 0.7))
    rng = np.random.default_rng(seed)
    jobs = []
    for language, packages in sizes.items():
        shares = np.array([size for _, size in packages])
        counts = rng.multinomial(int(count * MIX[language]), shares / shares.sum())
        jobs += [(path, int(n)) for (path, _), n in zip(packages, counts) if n]
    return jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--vocab", type=int, default=8192)
    parser.add_argument("--split", choices=["train", "heldout"], default="train")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--samples", type=int, default=8_000, help="samples a shard (about 500 tokens each)")
    parser.add_argument("--edits", type=float, default=EDIT_SHARE, help="share of edits among the samples that are no plain files")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard; a shard never seen has a number never used")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    folder = args.data / f"{'shards' if args.split == 'train' else args.split}-{args.vocab}"
    folder.mkdir(exist_ok=True)
    tokenizer_path = str(args.data / f"tokenizer-{args.vocab}.json")
    with multiprocessing.Pool(args.workers) as pool:
        for number in range(args.first, args.first + args.shards):
            out = folder / f"{number:04}.npz"
            if out.exists():
                continue
            jobs = [(path, tokenizer_path, n, number, args.edits) for path, n in plan(args.data, args.split, args.samples, number)]
            jobs.sort(key=lambda job: -job[2])
            made = []
            for done, result in enumerate(pool.imap(package_samples, jobs)):
                made += result
                print(f"\rshard {number}: {done + 1}/{len(jobs)} packages, {len(made)} samples ", end="" if done % 50 else "\n", flush=True)
            random.Random(number).shuffle(made)
            lengths = np.array([len(ids) for ids, _ in made], dtype=np.uint16)
            tokens = np.concatenate([np.array(ids, dtype=np.uint16) for ids, _ in made])
            roles = np.concatenate([np.array(r, dtype=np.uint8) for _, r in made])
            with open(out.with_suffix(".part"), "wb") as f:
                np.savez(f, lengths=lengths, tokens=tokens, roles=roles)
            out.with_suffix(".part").rename(out)
            print(f"\rshard {number}: {len(made)} samples, {len(tokens) / 1e6:.2f} M tokens, {(roles == 2).mean():.1%} middle")


if __name__ == "__main__":
    main()
