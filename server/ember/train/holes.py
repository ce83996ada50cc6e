"""Choose holes: (kind, start, end) character ranges of a source text that a person could be about to type.

Most end at the end of a line, because that is where people type; they begin after the indentation, at a token or inside a word.
Some are syntactic nodes cut by tree-sitter, some lie inside a line, and some are empty, so that the model learns to stop at once.
"""

import random
import re

import tree_sitter
import tree_sitter_c, tree_sitter_cpp, tree_sitter_go, tree_sitter_java, tree_sitter_javascript, tree_sitter_python, tree_sitter_rust
import tree_sitter_typescript

GRAMMARS = {
    "c": tree_sitter_c.language, "cpp": tree_sitter_cpp.language, "go": tree_sitter_go.language, "java": tree_sitter_java.language,
    "javascript": tree_sitter_javascript.language, "python": tree_sitter_python.language, "rust": tree_sitter_rust.language,
    "typescript": tree_sitter_typescript.language_typescript,
}
PARSERS: dict[str, tree_sitter.Parser] = {}
TOKEN = re.compile(r"\w+|[^\w\s]+")
MAX_CHARS = 700  # a longer middle is not offered


def parser(language: str) -> tree_sitter.Parser:
    if language not in PARSERS:
        PARSERS[language] = tree_sitter.Parser(tree_sitter.Language(GRAMMARS[language]()))
    return PARSERS[language]


def line_starts(text: str) -> list[int]:
    return [0] + [m.end() for m in re.finditer("\n", text)]


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def start_in_line(rng: random.Random, line: str) -> int:
    """Where in `line` the hole begins: after the indentation, at column 0, at a token, or inside a word."""
    draw = rng.random()
    tokens = [m for m in TOKEN.finditer(line)]
    if draw < 0.35 or not tokens:
        return indent_of(line)
    if draw < 0.45:
        return 0
    token = rng.choice(tokens)
    if draw < 0.72 or len(token[0]) < 2:
        before = token.start()
        return before - 1 if before > indent_of(line) and line[before - 1] == " " and rng.random() < 0.3 else before
    return token.start() + rng.randrange(1, len(token[0]))


def line_hole(rng: random.Random, text: str, starts: list[int]) -> tuple[int, int] | None:
    """The rest of a line, or a run of lines that ends where its indentation block ends; the end is the end of a line."""
    for _ in range(8):
        i = rng.randrange(len(starts))
        end = starts[i + 1] - 1 if i + 1 < len(starts) else len(text)
        line = text[starts[i] : end]
        if not line.strip():
            continue
        begin = starts[i] + start_in_line(rng, line)
        if rng.random() < 0.3:
            own = indent_of(line)
            for j in range(i + 1, min(i + 8, len(starts) - 1)):
                nxt = text[starts[j] : starts[j + 1] - 1]
                if nxt.strip() and indent_of(nxt) < own or (not nxt.strip() and j > i + 1):
                    break
                if nxt.strip():
                    end = starts[j + 1] - 1
                    after = text[end + 1 :].split("\n", 1)[0]
                    if indent_of(after) <= own and rng.random() < 0.5:
                        break
        if begin < end and end - begin <= MAX_CHARS:
            return begin, end
    return None


def token_hole(rng: random.Random, text: str, starts: list[int]) -> tuple[int, int] | None:
    """One to five tokens inside a line: the suffix starts on the same line."""
    for _ in range(8):
        i = rng.randrange(len(starts) - 1)
        tokens = list(TOKEN.finditer(text, starts[i], starts[i + 1] - 1))
        if len(tokens) >= 3:
            first = rng.randrange(len(tokens) - 1)
            last = min(len(tokens) - 2, first + rng.randrange(5))
            begin = tokens[first].start()
            if rng.random() < 0.3 and len(tokens[first][0]) > 2:
                begin += rng.randrange(1, len(tokens[first][0]))
            if begin < tokens[last].end():
                return begin, tokens[last].end()
    return None


def node_hole(rng: random.Random, text: str, language: str) -> tuple[int, int] | None:
    """A random named node of a random depth: an expression, an argument list, a block, a body."""
    source = text.encode()
    node = parser(language).parse(source).root_node
    found = []
    while node.named_child_count:
        children = node.named_children
        node = children[rng.randrange(len(children))]
        if 3 <= node.end_byte - node.start_byte <= MAX_CHARS and not node.has_error:
            found.append(node)
    if not found:
        return None
    node = rng.choice(found)
    begin, end = node.start_byte, node.end_byte
    if source[begin:begin + 1] in b"({[" and rng.random() < 0.7 and end - begin > 3:  # the brackets are typed in pairs: fill inside
        begin, end = begin + 1, end - 1
    middle = source[begin:end].decode(errors="ignore")
    if middle.count("\n") > 12 or not middle.strip():
        return None
    start = len(source[:begin].decode())
    return start, start + len(middle.rstrip())


def empty_hole(rng: random.Random, text: str, starts: list[int]) -> tuple[int, int] | None:
    """Nothing is missing: mostly at the end of a finished line."""
    for _ in range(8):
        i = rng.randrange(len(starts) - 1)
        line = text[starts[i] : starts[i + 1] - 1]
        if line.strip():
            at = starts[i + 1] - 1
            if rng.random() < 0.3:
                at = starts[i] + rng.choice([m.end() for m in TOKEN.finditer(line)] or [len(line)])
            return at, at
    return None


def cut(rng: random.Random, text: str, language: str) -> tuple[str, int, int] | None:
    """(kind, start, end) of a random hole in `text`, or None when the draw found no place."""
    starts, draw = line_starts(text), rng.random()
    if draw < 0.06:
        kind, hole = "empty", empty_hole(rng, text, starts)
    elif draw < 0.14:
        kind, hole = "token", token_hole(rng, text, starts)
    elif draw < 0.26:
        kind, hole = "node", node_hole(rng, text, language)
    else:
        kind, hole = "line", line_hole(rng, text, starts)
    return (kind, *hole) if hole else None
