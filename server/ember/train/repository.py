"""Repository context: chunks of other files of the same package that share rare identifiers with the place being edited."""

import math
import re
from collections import Counter, defaultdict

IDENTIFIER = re.compile(r"[A-Za-z_]\w{2,}")


def chunks_of(text: str, limit: int = 900) -> list[tuple[int, int]]:
    """Ranges of whole lines of at most about `limit` characters, cut at blank lines where there are some."""
    ranges, start, at, cut = [], 0, 0, 0
    for line in text.splitlines(keepends=True):
        if at + len(line) - start > limit and at > start:
            end = cut if cut > start + limit // 3 else at
            ranges.append((start, end))
            start = end
        at += len(line)
        if not line.strip():
            cut = at
    if at > start:
        ranges.append((start, at))
    return ranges


class Index:
    """All chunks of some files of a package, found again by the identifiers they hold."""

    def __init__(self, files: list[dict], max_files: int = 250):
        self.files = files[:max_files]
        self.chunks: list[tuple[int, int, int]] = []
        self.posting: dict[str, list[int]] = defaultdict(list)
        for f, file in enumerate(self.files):
            for begin, end in chunks_of(file["text"]):
                number = len(self.chunks)
                self.chunks.append((f, begin, end))
                for word in set(IDENTIFIER.findall(file["text"][begin:end])):
                    self.posting[word].append(number)

    def best(self, query: str, path: str, count: int) -> list[tuple[str, str]]:
        """(path, chunk) of the `count` best chunks of other files, at most one a file, best last (nearest to the hole)."""
        scores: Counter = Counter()
        for word in set(IDENTIFIER.findall(query)):
            posting = self.posting.get(word, ())
            if 0 < len(posting) <= 200:
                weight = math.log(1 + len(self.chunks) / len(posting))
                for number in posting:
                    scores[number] += weight
        found, used = [], {path}
        for number, _ in scores.most_common(60):
            f, begin, end = self.chunks[number]
            if self.files[f]["path"] not in used:
                used.add(self.files[f]["path"])
                found.append((self.files[f]["path"], self.files[f]["text"][begin:end]))
                if len(found) == count:
                    break
        return found[::-1]
