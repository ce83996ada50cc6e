"""Edit samples, made mechanically with tree-sitter: what a person did at one place, and a region of lines as it follows from that.

The source as it is is what the edits lead to; what it was before them is made up. Two kinds: a name was another one, or a function had one parameter less.
Each gives a document in which some places are done and the rest are not, the edits that did them, and a region around one that is not.
"""

import random
import re
from dataclasses import dataclass, field

import holes

REACH = 6  # lines of the region on either side of its middle
MAX_EDITS = 3
DEFINES = ("name", "pattern", "left", "declarator")
MEMBER = ("field", "attribute", "property")
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass
class Place:
    """A piece of the text that the edits make: what stood there before. Offsets are of characters of the finished text."""

    start: int
    end: int
    old: str


@dataclass
class Sample:
    """A region as it is and as it becomes, in its document. `before + region + after` is the document as the person has it."""

    kind: str
    before: str
    region: str
    after: str
    becomes: str
    cursor: int | None  # an offset in `region`
    edits: list[tuple[str, str]] = field(default_factory=list)  # (lines that went, lines that came), oldest first
    instruction: str = ""
    diagnostic: str = ""


@dataclass
class Leaf:
    """An identifier: where it stands, and as what."""

    start: int
    end: int
    name: str
    defines: bool  # a definition has its name here
    of_object: bool  # it is a member of something, or of a kind of definition that may be one


def leaves(text: str, language: str) -> list[Leaf]:
    """Every identifier, in the order of the text."""
    source = text.encode()
    plain = len(source) == len(text)
    found, stack = [], [holes.parser(language).parse(source).root_node]
    while stack:
        node = stack.pop()
        stack += reversed(node.children)
        if node.child_count or not node.type.endswith("identifier"):
            continue
        parent = node.parent
        is_ = lambda fields: parent is not None and any(parent.child_by_field_name(name) == node for name in fields)
        defines = is_(DEFINES)
        of_object = is_(MEMBER) if not defines else bool(re.search("function|method|field|property", parent.type))
        start, end = node.start_byte, node.end_byte
        if not plain:
            start, end = len(source[:start].decode()), len(source[:end].decode())
        found.append(Leaf(start, end, text[start:end], defines, of_object))
    return found


def one_thing(all_: list[Leaf]) -> bool:
    """Whether a name is defined once, first of all, and every other place can mean that."""
    first, uses = all_[0], all_[1:]
    if not first.defines or any(leaf.defines for leaf in uses):
        return False
    members = [leaf.of_object for leaf in uses]
    return first.of_object and all(members) or not any(members)


def other_name(rng: random.Random, name: str, taken: set[str]) -> str | None:
    """A name in the same style that nothing has: a word less, a word more, or another word."""
    parts = [(m.start(), m.end()) for m in PARTS.finditer(name)]
    words = sorted({m[0].lower() for other in taken for m in PARTS.finditer(other) if len(m[0]) > 2})
    if not parts or not words:
        return None
    for _ in range(6):
        start, end = rng.choice(parts)
        word = rng.choice(words)
        draw = rng.random()
        if draw < 0.4:
            was = name[start:end]
            word = word.upper() if was.isupper() and len(was) > 1 else word.capitalize() if was[:1].isupper() else word
            made = name[:start] + word + name[end:]
        elif draw < 0.7 and len(parts) > 1:
            made = (name[:start].rstrip("_") + "_" + name[end:].lstrip("_")).strip("_") if "_" in name else name[:start] + name[end:]
            if name[0].islower() and made[:1].isupper():
                made = made[0].lower() + made[1:]
        elif name.isupper():
            made = f"{name}_{word.upper()}"
        elif "_" in name or name.islower():
            made = f"{name}_{word}"
        else:
            made = name + word.capitalize()
        if made not in taken and made != name and re.fullmatch(r"[A-Za-z_]\w+", made):
            return made
    return None


def renamed(rng: random.Random, text: str, language: str) -> tuple[list[Place], str, str] | None:
    """The places of a name that is defined once, with another in the place of it: (places, old name, new name)."""
    by_name: dict[str, list] = {}
    everything = leaves(text, language)
    for leaf in everything:
        by_name.setdefault(leaf.name, []).append(leaf)
    fitting = [
        all_
        for name, all_ in sorted(by_name.items())
        if len(name) > 2 and 2 <= len(all_) <= 12 and one_thing(all_)
        # What stands in a comment or a string too would be left behind.
        and len(re.findall(rf"\b{re.escape(name)}\b", text)) == len(all_)
    ]
    if not fitting:
        return None
    chosen = rng.choice(fitting)
    old = other_name(rng, chosen[0].name, set(by_name))
    return ([Place(leaf.start, leaf.end, old) for leaf in chosen], old, chosen[0].name) if old else None


def parameter(rng: random.Random, text: str, language: str) -> tuple[list[Place], str, str] | None:
    """A function's last parameter and the last argument of its calls, taken out: (places, function, parameter)."""
    source = text.encode()
    functions, calls = [], {}
    stack = [holes.parser(language).parse(source).root_node]
    at = (lambda byte: byte) if len(source) == len(text) else (lambda byte: len(source[:byte].decode()))
    while stack:
        node = stack.pop()
        stack += reversed(node.children)
        name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if name is not None and parameters is not None:
            functions.append((name.text.decode(), parameters))
        elif function is not None and arguments is not None:
            last = re.findall(r"\w+", function.text.decode(errors="ignore"))
            if last:
                calls.setdefault(last[-1], []).append(arguments)
    found = []
    for name, parameters in functions:
        if sum(other == name for other, _ in functions) > 1:
            continue
        of = [child for child in parameters.named_children if child.type != "comment"]
        own = [child for child in of if child.type != "self_parameter" and child.text not in (b"self", b"cls")]
        plain = own and not any(re.search(rb"[=*?]|\.\.\.", child.text.split(b":")[0]) or b"=" in child.text for child in own)
        taken = [call for call in calls.get(name, []) if len(call.named_children) == len(own)]
        if not plain or not taken or len(taken) != len(calls.get(name, [])) or len(taken) > 8:
            continue
        if any(re.search(rb"^\s*\*|=(?!=)|\.\.\.", child.text) for call in taken for child in call.named_children):
            continue
        word = re.search(r"\w+", own[-1].text.decode())
        if word is None or len(of) > 1 and parameters.text.rstrip(b") \n").endswith(b","):
            continue
        places = []
        for siblings in [of] + [call.named_children for call in taken]:
            start = siblings[-2].end_byte if len(siblings) > 1 else siblings[-1].start_byte
            places.append(Place(at(start), at(siblings[-1].end_byte), ""))
        found.append((places, name, word[0]))
    return rng.choice(found) if found else None


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at)


def cut(rng: random.Random, text: str, language: str) -> Sample | None:
    """A sample of `text`; None when the draw found nothing that was changed."""
    rename = rng.random() < 0.7
    made = (renamed if rename else parameter)(rng, text, language)
    if made is None:
        return None
    places, old, new = made
    first, rest = places[0], sorted(places[1:], key=lambda place: place.start)
    # Done in the order in which a person gets to them: the definition, then what follows it, then what stands before it.
    order = [first] + [p for p in rest if p.start > first.start] + [p for p in rest if p.start < first.start]
    if any(a.start < b.end and b.start < a.end for a in order for b in order if a is not b):
        return None
    # Told what to do, or what is wrong; else it follows from what was done.
    asked = rng.choice(["instruction", "diagnostic"]) if rename and rng.random() < 0.3 else None
    if asked:
        done = 0 if asked == "instruction" else 1
    else:
        done = rng.randrange(1, len(order) + (rng.random() < 0.15))
    done_places = {id(place) for place in order[:done]}
    by_place = sorted(order, key=lambda place: place.start)
    parts, starts, last = [], {}, 0
    for place in by_place:
        parts.append(text[last : place.start])
        starts[id(place)] = sum(map(len, parts))
        parts.append(text[place.start : place.end] if id(place) in done_places else place.old)
        last = place.end
    now = "".join(parts) + text[last:]
    lines, finished = now.splitlines(keepends=True), text.splitlines(keepends=True)
    if len(lines) != len(finished):  # an argument on a line of its own
        return None
    jumped = done == len(order) or rng.random() < 0.5
    middle = order[min(done, len(order) - 1)] if asked or jumped else order[done - 1]
    at = line_of(now, starts[id(middle)])
    if not asked and jumped:
        at = max(0, min(len(lines) - 1, at + rng.randint(-REACH, REACH)))
    low, high = max(0, at - REACH), min(len(lines), at + REACH + 1)
    region, becomes = "".join(lines[low:high]), "".join(finished[low:high])
    before, after = "".join(lines[:low]), "".join(lines[high:])
    if region == becomes and done < len(order) or not region.strip():
        return None
    edits = []
    for place in [] if asked else order[max(0, done - MAX_EDITS) : done]:
        line = line_of(text, place.start)
        offset = place.start - sum(map(len, finished[:line]))
        edits.append((finished[line][:offset] + place.old + finished[line][offset + place.end - place.start :], finished[line]))
    sample = Sample("rename" if rename else "parameter", before, region, after, becomes, None, edits)
    if asked == "instruction":
        sample.instruction = f"Rename `{old}` to `{new}`."
    elif asked == "diagnostic":
        sample.instruction, sample.diagnostic = "Mend this.", f"`{old}` is not defined; there is `{new}`."
    elif jumped:
        sample.cursor = sum(map(len, lines[low:at])) + len(lines[at].rstrip("\n"))
    else:
        place = order[done - 1]
        sample.cursor = starts[id(place)] + place.end - place.start - len(before)
    return sample
