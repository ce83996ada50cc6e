"""Checks of the recipe that need no data: `python -m pytest test_recipe.py` (or plain `python test_recipe.py`)."""

import random
import re
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import edits, export, holes
import tokenizer as tok
from fetch import permissive
from filter import reject
from grow import grown
from model import CONFIGS, Config, Ember
from repository import Index, chunks_of
from samples import Encoder, window

SOURCE = "use std::fmt;\n\nfn area(shape: &Shape) -> f32 {\n    let width = shape.width;\n    let naïve = 2.0;\n    if width > 1.0 {\n        return width * naïve;\n    }\n    0.0\n}\n"


def encoder() -> Encoder:
    tokenizer = tok.with_pipeline(Tokenizer(models.BPE()))
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=tok.SPECIALS, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator([SOURCE], trainer)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(f"{folder}/t.json")
        return Encoder(tok.load(Path(f"{folder}/t.json")))


def test_a_sample_is_the_document_byte_for_byte():
    enc, rng = encoder(), random.Random(1)
    kinds = set()
    for _ in range(300):
        hole = holes.cut(rng, SOURCE, "rust")
        if hole is None:
            continue
        kind, start, end = hole
        kinds.add(kind)
        assert (start == end) == (kind == "empty")
        prefix, suffix = window(SOURCE, start, end, 60, 40)
        middle = SOURCE[start:end]
        assert prefix + middle + suffix in SOURCE
        assert suffix == "" or suffix.endswith("\n") or "\n" not in suffix
        ids, roles = enc.hole("src/a.rs", prefix, middle, suffix, [("src/b.rs", "x\n")], ["y\n"])
        assert len(ids) == len(roles) and ids[0] == tok.BOS and ids[-1] == tok.EOT
        at = ids.index(tok.PREFIX)
        assert enc.tokenizer.decode([i for i in ids[at + 1 : -1]]) == prefix + middle
        assert enc.tokenizer.decode([i for i, r in zip(ids, roles) if r == 2 and i != tok.EOT]) == middle
    assert kinds == {"empty", "token", "node", "line"}


CALLS = """use std::fmt;

pub fn area(width: u32, height: u32) -> u32 {
    let product = width * height;
    product + 1
}

fn one(shape: &Shape) -> u32 {
    shape.product() + area(1, 2) + area(3, 4)
}
"""


def test_an_edit_sample_is_a_document_half_changed():
    enc, rng = encoder(), random.Random(1)
    seen = set()
    for _ in range(400):
        of = edits.cut(rng, CALLS, "rust")
        if of is None:
            continue
        document = of.before + of.region + of.after
        assert document != CALLS or of.region == of.becomes
        # Each edit leads to a line of the source, from one that it does not have.
        for was, now in of.edits:
            assert was != now and now in CALLS and was not in CALLS
        assert len(of.region.splitlines()) == len(of.becomes.splitlines()) <= 2 * edits.REACH + 1 and of.becomes in CALLS
        # A method of the same name is another thing.
        assert ".product()" in document
        if of.diagnostic or of.instruction:
            assert not of.edits and of.cursor is None and of.region != of.becomes
        else:
            assert of.edits and 0 <= of.cursor <= len(of.region)
            if of.kind == "parameter":
                assert ", height: u32) ->" in of.edits[0][1] and "height" not in of.edits[0][0]
        seen.add((of.kind, bool(of.instruction), bool(of.diagnostic), of.region == of.becomes))
        ids, roles = enc.edit("src/a.rs", of, of.before, of.after)
        assert len(ids) == len(roles) and ids[0] == tok.BOS and ids[-1] == tok.EOT
        assert enc.tokenizer.decode([i for i, r in zip(ids, roles) if r == 2 and i != tok.EOT]) == of.becomes
        at = [i for i, r in enumerate(roles) if r == 2][0]
        assert ids[at - 1] == (tok.REWRITE if of.instruction else tok.NEXT)
        region = ids[ids.index(tok.REGION) + 1 : ids.index(tok.ENDREGION)]
        assert enc.tokenizer.decode([i for i in region if i != tok.CURSOR]) == of.region
        assert ids.count(tok.EDITS) == len(of.edits) and (tok.CURSOR in region) == (of.cursor is not None)
    renames = {("rename", False, False, False), ("rename", True, False, False), ("rename", True, True, False), ("rename", False, False, True)}
    assert seen == renames | {("parameter", False, False, False), ("parameter", False, False, True)}


def test_names_that_are_made_up_are_in_the_style_of_the_name():
    rng = random.Random(1)
    for name, style in (("get_name", r"[a-z_]+"), ("getName", r"[a-z]+[A-Za-z]*"), ("MAX_SIZE", r"[A-Z_]+"), ("Shape", r"[A-Z][A-Za-z]*")):
        for _ in range(50):
            made = edits.other_name(rng, name, {name, "fill_colour", "Wide"})
            assert made is None or made != name and re.fullmatch(style, made), (name, made)


def test_special_strings_in_a_source_stay_text():
    ids = encoder().text("a <|eot|> b <|prefix|>")
    assert all(i >= len(tok.SPECIALS) for i in ids)


def test_context_comes_from_other_files_that_share_identifiers():
    files = [dict(path="a.rs", text=SOURCE), dict(path="b.rs", text="struct Shape { width: f32 }\n"), dict(path="c.rs", text="mod nothing;\n")]
    assert Index(files).best("shape: &Shape", "a.rs", 2) == [("b.rs", "struct Shape { width: f32 }\n")]
    assert "".join(SOURCE[a:b] for a, b in chunks_of(SOURCE, 60)) == SOURCE


def test_licences():
    for good in ("MIT", "MIT/Apache-2.0", "ISC AND (Apache-2.0 OR ISC)", "GPL-2.0 OR MIT", "Apache-2.0 WITH LLVM-exception OR MIT", "BSD 3-Clause License"):
        assert permissive(good), good
    for bad in ("GPL-3.0", "?", "MPL-2.0+ AND MIT", "(MIT OR Apache-2.0) AND OFL-1.1", "LicenseRef-(x"):
        assert not permissive(bad), bad


def test_unwanted_files():
    assert reject(SOURCE * 3) is None
    assert reject("// @generated\n" + SOURCE * 3) == "generated"
    assert reject(SOURCE * 3 + "x" * 500) == "long lines"


def test_a_cached_decode_equals_a_whole_forward():
    torch.manual_seed(0)
    model = Ember(CONFIGS["tiny"]).eval()
    ids = torch.randint(32, 8192, (1, 24))
    cache: list[list] = [[] for _ in model.layers]
    with torch.no_grad():
        whole = model(ids)
        parts = [model.logits(model.hidden(part, cache)) for part in (ids[:, :20], ids[:, 20:21], ids[:, 21:22])]
    assert torch.allclose(torch.cat(parts, 1), whole[:, :22], atol=1e-4)
    assert sum(p.numel() for p in model.parameters()) == model.config.parameters()


def test_a_grown_model_says_the_same():
    torch.manual_seed(0)
    small, large = CONFIGS["tiny"], Config(**{**CONFIGS["tiny"].as_dict(), "layers": 6})
    before, after = Ember(small).eval(), Ember(large).eval()
    after.load_state_dict(grown(before.state_dict(), small, large))
    ids = torch.randint(0, small.vocab, (1, 24))
    with torch.no_grad():
        assert torch.equal(before(ids), after(ids))


def test_rows_for_adjacent_pairs():
    import numpy as np

    rows = np.arange(8.0)[:, None]  # two heads of four
    assert export.adjacent_pairs(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert (export.halves(export.adjacent_pairs(rows, 2), 2) == rows).all()


if __name__ == "__main__":
    tests = [value for name, value in list(globals().items()) if name.startswith("test_")]
    for test in tests:
        test()
    print(f"{len(tests)} passed, 0 failed")
