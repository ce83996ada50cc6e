"""Measure a model on the held-out packages: the next line, greedily, from the weights as trained or as shipped (Q8_0).

A hole is a line of at least eight non-blank characters, begun after its indentation; the suffix starts at its end. Reported by
language, with the file alone and with repository context (three chunks found by the identifiers near the cursor, never by what is
missing): exact match of the line, edit similarity, and whether the model stopped at the line's end by itself. Beside them an
honest baseline: the line of the package most similar in what precedes it. A second set of holes is empty: right is to stop at once.
"""

import argparse, difflib, json, random, time
from collections import defaultdict
from pathlib import Path

import torch

import export, holes
import tokenizer as tok
from repository import IDENTIFIER, Index
from samples import Encoder, window

BEFORE, AFTER, NEW = 1600, 500, 48


def line_holes(rng: random.Random, files: list[dict], count: int) -> list[tuple[dict, int, int]]:
    """`count` lines drawn evenly over the files: (file, start after the indentation, end of the line)."""
    found = []
    for _ in range(count * 20):
        if len(found) == count:
            break
        record = rng.choice(files)
        starts = holes.line_starts(record["text"])
        i = rng.randrange(len(starts) - 1)
        line = record["text"][starts[i] : starts[i + 1] - 1]
        if len("".join(line.split())) >= 8 and len(line) <= 160:
            found.append((record, starts[i] + holes.indent_of(line), starts[i + 1] - 1))
    return found


def similar_line(files: list[dict], record: dict, start: int, end: int) -> str:
    """Baseline: the line that follows the line most similar to the one above the hole, in this package's other files and above."""
    above = record["text"][:start].rstrip(" \t").rstrip("\n").split("\n")[-1].strip()
    words = set(IDENTIFIER.findall(above))
    best, guess = 0.0, ""
    for file in [record] + [f for f in files[:40] if f is not record]:
        text = record["text"][:start] if file is record else file["text"]
        lines = text.split("\n")
        for a, b in zip(lines, lines[1:]):
            if b.strip():
                if a.strip() == above:
                    score = 1.0 + len(above) / 1000
                else:
                    other = set(IDENTIFIER.findall(a))
                    score = len(words & other) / max(len(words | other), 1)
                if score >= best:
                    best, guess = score, b.strip()
    return guess


class Tally:
    """Sums for one column of the report."""

    def __init__(self):
        self.n = self.exact = self.similarity = self.stopped = 0

    def add(self, truth: str, guess: str, stopped: bool = False):
        first = guess.split("\n", 1)[0].rstrip()
        self.n += 1
        self.exact += first == truth.rstrip()
        self.similarity += difflib.SequenceMatcher(None, first, truth.rstrip(), autojunk=False).ratio()
        self.stopped += stopped

    def figures(self) -> dict:
        n = max(self.n, 1)
        return dict(exact=round(self.exact / n, 4), similarity=round(self.similarity / n, 4), stopped=round(self.stopped / n, 4))


def complete(model, encoder: Encoder, record: dict, start: int, end: int, context: list, stop: set[int]) -> tuple[str, bool]:
    """The greedy completion of the hole up to its first newline, and whether it ended by itself before that."""
    prefix, suffix = window(record["text"], start, end, BEFORE if not context else BEFORE - 400, AFTER)
    prompt = encoder.prompt(record["path"], prefix, suffix, context, [])[0]
    ids = model.greedy(prompt, NEW, stop)
    text = encoder.tokenizer.decode([i for i in ids if i >= len(tok.SPECIALS)])
    return text, ids[-1] == tok.EOT


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--model", default="spark")
    parser.add_argument("--holes", type=int, default=40, help="of each language")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--unquantised", action="store_true", help="the weights as trained, not through Q8_0")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    parser.add_argument("--show", type=int, default=0, help="print so many completions a language")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, state = export.load(args.data / "runs" / args.model / "checkpoint.pt")
    if not args.unquantised:
        model = export.dequantised(model)
    encoder = Encoder(tok.load(args.data / f"tokenizer-{model.config.vocab}.json"))
    decode = encoder.tokenizer.decode
    stop = {tok.EOT} | {i for i in range(len(tok.SPECIALS), model.config.vocab) if "\n" in decode([i])}
    packages = defaultdict(list)
    for path in sorted((args.data / "files/heldout").glob("*.jsonl")):
        files = [json.loads(line) for line in path.open()]
        packages[files[0]["language"]].append(files)
    columns = defaultdict(lambda: defaultdict(Tally))
    began = time.time()
    for language, groups in packages.items():
        for number, files in enumerate(groups):
            rng = random.Random(f"{args.seed} {language} {number}")
            index = Index(files)
            for record, start, end in line_holes(rng, files, -(-args.holes // len(groups))):
                text = record["text"]
                truth = text[start:end]
                context = index.best(text[max(0, start - 600) : start] + text[end : end + 300], record["path"], 3)
                row = dict(file=complete(model, encoder, record, start, end, [], stop), baseline=(similar_line(files, record, start, end), False))
                row["repository"] = complete(model, encoder, record, start, end, context, stop) if context else row["file"]
                for name, (guess, stopped) in row.items():
                    columns[language][name].add(truth, guess, stopped)
                    columns["overall"][name].add(truth, guess, stopped)
                if columns[language]["file"].n <= args.show:
                    print(f"  {language}: {truth!r}\n      -> {row['file'][0]!r}")
            for _ in range(max(4, args.holes // (4 * len(groups)))):
                hole = holes.empty_hole(rng, *[(r := rng.choice(files))["text"], holes.line_starts(r["text"])])
                if hole:
                    record = next(f for f in files if f is r)
                    guess, stopped = complete(model, encoder, record, hole[0], hole[0], [], stop)
                    columns[language]["empty"].add("", guess, stopped and not guess)
                    columns["overall"]["empty"].add("", guess, stopped and not guess)
        print(f"{language}: {time.time() - began:.0f} s", flush=True)
    report = dict(step=state["step"], tokens=state["tokens"], quantised=not args.unquantised)
    for language, row in columns.items():
        report[language] = dict(holes=row["file"].n, **{name: t.figures() for name, t in row.items() if name != "empty"},
                                empty_stopped=row["empty"].figures()["stopped"])
    print(f"{'':11} holes | file: exact  similar stopped | repository: exact similar | baseline: exact similar | empty: stopped")
    for language, row in report.items():
        if isinstance(row, dict):
            f, r, b = row["file"], row["repository"], row["baseline"]
            print(f"{language:11} {row['holes']:5} | {f['exact']:11.1%} {f['similarity']:8.3f} {f['stopped']:7.1%} | {r['exact']:17.1%} {r['similarity']:7.3f} |"
                  f" {b['exact']:15.1%} {b['similarity']:7.3f} | {row['empty_stopped']:8.1%}")
    if args.out:
        args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
