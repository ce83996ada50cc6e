"""The comparisons of tests/parity/run."""

import argparse
import ctypes
import hashlib
import importlib
import importlib.resources
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "server/engine/tests/golden"
QUANTS = ["Q2_K", "Q3_K_M", "Q4_0", "Q4_1", "Q4_K_M", "Q5_0", "Q5_1", "Q5_K_M", "Q6_K", "Q8_0"]
# Of the vocabularies in llama.cpp's `models`, those of families that are run here.
VOCABULARIES = ["llama-spm", "deepseek-coder", "starcoder", "refact", "qwen2", "llama-bpe", "gpt-2", "command-r"]
HARD = [
    "\tif (x)\r\n\t\treturn;\r\n", "  a\t b  \n\n\n   c", "日本語のコメント // 中文 한국어", "👩‍👩‍👧 🦀🏳️‍🌈 e\u0301 é ﬁ", "<|fim_prefix|><s></s>[INST]<fim_middle>▁<PRE>",
    "x'll don't I'VE 12345678 3.14e-10 0xDEAD_BEEF", "\u200b\ufeff\u00a0\u2003wide", "ÀÉÎõü ß ѮЖ Ω≈ç√∫", "a" * 300, " " * 65 + "x", "\x00\x01\x7f", "ℵ𝔘𝕟𝕚", "\n", "\r", " ", "",
    # What is left of lone surrogates' bytes, and of a pair written as two of them, once a file has been read as UTF-8.
    b"a\xed\xa0\x80b\xed\xb0\x80".decode("utf-8", "replace"), b"x = '\xed\xa0\xbd\xed\xb8\x80'\r\n".decode("utf-8", "replace"), "\U0010ffff\ue000\ufffe",
]
# The pre-tokenizers of tokenizer.json as the families' makers publish them.
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
DEEPSEEK = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+"]
LEVEL = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True)
WITHIN, WHOLE = dict(LEVEL, use_regex=True), dict(LEVEL, use_regex=False)
DIGITS = dict(type="Digits", individual_digits=True)


def split(pattern: str) -> dict:
    return dict(type="Split", pattern=dict(Regex=pattern), behavior="Isolated", invert=False)


PRE_TOKENIZERS = {
    "qwen2": [split(QWEN2), WHOLE], "llama-bpe": [split(LLAMA3), WHOLE], "gpt-2": [WITHIN], "starcoder": [DIGITS, WITHIN], "refact": [DIGITS, WITHIN],
    "command-r": [DIGITS, WITHIN], "deepseek-coder": [*map(split, DEEPSEEK), DIGITS, WHOLE], "llama-spm": None,
}


class Count:
    passed = 0
    failed = 0

    def check(self, ok: bool, what: str) -> None:
        self.passed += ok
        self.failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {what}", flush=True)


def converter(options) -> Path:
    return Path(options.llama_cpp).parents[1] / "src/vendor/llama.cpp"


def run(*command, **more) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done.stdout


class Server:
    """llama-server on one file, in f32 as far as it goes."""

    def __init__(self, options, file: Path, context: int = 512):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [Path(options.llama_cpp) / "llama-server", "-m", file, "--port", port, "-c", context, "-np", 1, "-t", 2, "-ctk", "f32", "-ctv", "f32", "-fa", "off", "--no-warmup", "-fit", "off"]
        self.log = open(Path(options.work) / "llama-server.log", "w")
        self.process = subprocess.Popen([str(c) for c in command], stdout=self.log, stderr=self.log)
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"llama-server ended at once on {file}: see {self.log.name}")
            try:
                if requests.get(self.url + "/health", timeout=1).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise RuntimeError("llama-server does not come up")

    def greedy(self, prompt: list[int], count: int) -> list[int]:
        body = dict(prompt=prompt, n_predict=count, temperature=0, samplers=["top_k"], top_k=1, return_tokens=True, cache_prompt=False, ignore_eos=True, n_probs=0)
        return requests.post(self.url + "/completion", json=body, timeout=120).json()["tokens"]

    def tokenize(self, text: str) -> list[int]:
        body = dict(content=text, add_special=False, parse_special=False)
        return requests.post(self.url + "/tokenize", json=body, timeout=60).json()["tokens"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def write_tokenizer(folder: Path) -> None:
    """A tokenizer that the converter accepts: ids of the same number of bytes and words. Only ids are compared."""
    alphabet = [chr(c) for c in list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)) + list(range(256, 324))]
    vocab = {f"<|{i}|>": i for i in range(32)} | {token: 32 + i for i, token in enumerate(alphabet)}
    vocab |= {token: 288 + i for i, token in enumerate(["in", "Ġt", "re", "ĠĠ", "int", "ĠĠĠĠ", "ret", "Ġtre"])}
    merges = ["i n", "Ġ t", "r e", "Ġ Ġ", "in t", "ĠĠ ĠĠ", "re t", "Ġt re"]
    added = [dict(id=i, content=f"<|{i}|>", special=True, normalized=False, single_word=False, lstrip=False, rstrip=False) for i in range(32)]
    model = dict(type="BPE", vocab=vocab, merges=merges, byte_fallback=False)
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=True)
    text = dict(version="1.0", added_tokens=added, normalizer=None, pre_tokenizer=level, post_processor=None, decoder=level, model=model)
    (folder / "tokenizer.json").write_text(json.dumps(text))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<|1|>", eos_token="<|0|>")))


# Run in place of the converter: the same, with the vocabulary as the file has it, where the converter would look for one that it knows.
CONVERT = """
import json, sys, runpy
sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[1] + '/gguf-py')
import conversion.base as base
def vocab(self):
    text = json.loads((self.dir_model / 'tokenizer.json').read_text())
    tokens = sorted(text['model']['vocab'], key=text['model']['vocab'].get)
    return tokens, [base.gguf.TokenType.CONTROL if i < 32 else base.gguf.TokenType.NORMAL for i in range(len(tokens))], 'gpt-2'
base.TextModel.get_vocab_base = vocab
import conversion.gemma
conversion.gemma.GemmaModel.set_vocab = lambda self: self._set_vocab_gpt2()
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def models(options, count: Count) -> None:
    work = Path(options.work) / "models"
    work.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(GOLDEN))
    make = importlib.import_module("make")
    tree = converter(options)
    for case in options.only or make.CASES:
        folder, file = work / case, work / f"{case}.gguf"
        golden = json.loads((GOLDEN / f"{case}.json").read_text())
        folder.mkdir(exist_ok=True)
        make.write_checkpoint(case, folder)
        write_tokenizer(folder)
        script = tree / "convert_hf_to_gguf.py"
        run(sys.executable, "-c", CONVERT, tree, script, folder, "--outtype", "f32", "--outfile", file)
        # llama.cpp knows no sliding window of these two: the files say nothing of it, and neither side has one.
        compare(options, count, file, golden, case, "reference", exact=True)
        compare(options, count, file, golden, case, "cpu", exact=False)
    for case in ["llama", "qwen2"]:
        if options.only and case not in options.only:
            continue
        golden = json.loads((GOLDEN / f"{case}.json").read_text())
        for quant in QUANTS:
            file = work / f"{case}-{quant}.gguf"
            run(Path(options.llama_cpp) / "llama-quantize", "--pure", work / f"{case}.gguf", file, quant)
            compare(options, count, file, golden, f"{case} {quant}", "reference", exact=False)
            compare(options, count, file, golden, f"{case} {quant} and what it is worth in f32", "reference", exact=True, theirs=dequantised(file, work / f"{case}.gguf"))


def dequantised(file: Path, like: Path) -> Path:
    """A GGUF of the same model in f32, `like`, with what the weights of `file` stand for by ggml's own Python package: there llama.cpp rounds no inputs."""
    from gguf import GGUFReader
    from gguf.quants import dequantize

    whole = file.with_suffix(".f32.gguf")
    shutil.copyfile(like, whole)
    places = {tensor.name: tensor.data for tensor in GGUFReader(whole, "r+").tensors}
    for tensor in GGUFReader(file).tensors:
        places[tensor.name][...] = dequantize(tensor.data, tensor.tensor_type).reshape(places[tensor.name].shape)
        places[tensor.name].flush()
    return whole


def compare(options, count: Count, file: Path, golden: dict, name: str, backend: str, exact: bool, theirs: Path | None = None) -> None:
    """Ours on `file`, theirs on the same one or another of the same worth. Greedy tokens after growing parts of the prompt. Exact: all the same, but behind a tie. Else each side rounds its inputs to 8 bits in its own way, which a
    random model's near ties do not survive: most of the first tokens must be the same."""
    prompt = golden["prompt"]
    same = first = total = firsts = ties = 0
    try:
        server = Server(options, theirs or file)
    except RuntimeError as error:
        return count.check(False, f"{name}: {error}")
    with server:
        for length in (8, 24, 40, 56, 72):
            theirs = server.greedy(prompt[:length], 24)
            answer = lambda ids, n: json.loads(run(options.ours, "greedy", file, backend, n, input=json.dumps(ids) + "\n"))
            ours = answer(prompt[:length], 24)["ids"]
            agreed = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), 24)
            same, total = same + agreed, total + 24
            if agreed < 24:
                logits = answer(prompt[:length] + ours[:agreed], 1)["logits"]
                tie = abs(logits[ours[agreed]] - logits[theirs[agreed]]) < 1e-3 * max(map(abs, logits))
                # Or transformers, whose continuation of the whole prompt is known, sides with us.
                tie = tie or (length == len(prompt) and ours == golden["greedy"])
                ties += (24 - agreed) * tie
            first, firsts = first + (ours[0] == theirs[0]), firsts + 1
    ok = same + ties == total if exact else first >= firsts - 1
    count.check(ok, f"{name}, {backend}: {same} of {total} greedy tokens before the first difference, {ties} behind a tie or transformers' other choice, {first} of {firsts} first tokens")


def source_lines() -> list[str]:
    """Real code in many languages: what this repository and the environment's packages have, and hard cases."""
    lines, seen = list(HARD), set()
    places = [(ROOT, ["rs", "py", "ts", "lua", "md", "scm", "c", "cpp", "go", "java", "js", "tsx", "toml", "json"], 500)]
    places.append((Path(requests.__file__).parents[1], ["py", "pyi", "h", "cpp", "cuh", "js", "html", "txt"], 400))
    for root, endings, most in places:
        for ending in endings:
            taken = 0
            for file in sorted(root.rglob(f"*.{ending}"))[::3]:
                if taken >= most or "/target" in str(file) or "/node_modules" in str(file):
                    break
                try:
                    text = file.read_bytes()[:4000].decode()
                except (UnicodeDecodeError, OSError):
                    continue
                # Runs of several lines too: what stands between lines is where pre-tokenizers differ.
                for i, line in enumerate(text.splitlines(keepends=True)[:12]):
                    if line not in seen and len(line) < 500:
                        seen.add(line)
                        lines.append(line)
                        taken += 1
                lines.append(text[:1500])
                lines.append(text[:300].replace("\n", "\r\n"))
    return lines


def ours(options, file: Path, lines: list[str]) -> list[list[int]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return [json.loads(line) for line in run(options.ours, "tokenize", file, input=text).splitlines()]


def tokens(options, count: Count) -> None:
    lines = source_lines()
    print(f"{len(lines)} texts of {sum(len(line.splitlines()) or 1 for line in lines)} lines, {sum(map(len, lines))} characters, sha256 {hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]}")
    tree = converter(options)
    for name in VOCABULARIES:
        file, spm = tree / f"models/ggml-vocab-{name}.gguf", name == "llama-spm"
        # There U+2581 is a space to llama.cpp and itself to us.
        texts = [line for line in lines if not (spm and "\u2581" in line)]
        report(count, name, texts, ours(options, file, texts), llama_tokenize(options, file, texts, spm))
    for name, steps in PRE_TOKENIZERS.items():
        file = Path(options.work) / f"{name}.tokenizer.json"
        theirs = write_tokenizer_json(tree / f"models/ggml-vocab-{name}.gguf", steps, file)
        texts = [line for line in lines if steps or "\u2581" not in line]
        report(count, f"{name} as tokenizer.json", texts, ours(options, file, texts), [one.ids for one in theirs.encode_batch(texts, add_special_tokens=False)])
    try:
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    except ImportError:
        print("skipped: tekken.json (mistral-common is not installed)")
        return
    folder = Path(str(importlib.resources.files("mistral_common"))) / "data"
    for file in sorted(folder.glob("tekken*.json")):
        theirs = Tekkenizer.from_file(file)
        report(count, file.name, lines, ours(options, file, lines), [theirs.encode(line, bos=False, eos=False) for line in lines])


def write_tokenizer_json(gguf_file: Path, steps: list[dict] | None, file: Path):
    """A real vocabulary as a tokenizer.json of Hugging Face's form, and their own tokenizer of it, which knows no markers in text and takes it byte for byte. No `steps`: SentencePiece's."""
    from gguf import GGUFReader
    from tokenizers import Tokenizer

    fields = GGUFReader(gguf_file).fields
    field = lambda name: fields[f"tokenizer.ggml.{name}"].contents()
    tokens, kinds = field("tokens"), field("token_type")
    marker = re.compile(r"<[^>]+>|\[[A-Z_0-9]+\]|<｜.*｜>")
    added = [dict(id=i, content=token, special=kinds[i] == 3, normalized=False, single_word=False, lstrip=False, rstrip=False) for i, token in enumerate(tokens) if kinds[i] in (2, 3, 4)]
    vocab = {token: i for i, token in enumerate(tokens) if kinds[i] in (1, 6)}
    if steps is None:
        scores = field("scores")
        pairs = []
        for piece, i in vocab.items():
            local = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece)) if piece[:cut] in vocab and piece[cut:] in vocab]
            pairs += [(scores[i], pair) for pair in sorted(local, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))]
        merges = [list(pair) for _, pair in sorted(pairs, key=lambda scored: -scored[0])]
        decoder = dict(type="Sequence", decoders=[dict(type="Replace", pattern=dict(String="\u2581"), content=" "), dict(type="ByteFallback"), dict(type="Fuse")])
        # As they are published, but for the space that these put before a text.
        whole = dict(normalizer=dict(type="Replace", pattern=dict(String=" "), content="\u2581"), pre_tokenizer=None, decoder=decoder)
    else:
        merges = [merge.split(" ") for merge in field("merges")]
        whole = dict(normalizer=None, pre_tokenizer=dict(type="Sequence", pretokenizers=steps), decoder=LEVEL | dict(use_regex=True))
    model = dict(type="BPE", vocab=vocab, merges=merges, byte_fallback=steps is None, ignore_merges="llama-bpe" in file.name, fuse_unk=steps is None, unk_token=None)
    whole |= dict(version="1.0", truncation=None, padding=None, post_processor=None, model=model)
    file.write_text(json.dumps(whole | dict(added_tokens=added)))
    return Tokenizer.from_str(json.dumps(whole | dict(added_tokens=[token for token in added if not token["special"] and not marker.fullmatch(token["content"])])))


class ModelParams(ctypes.Structure):
    """llama_model_params of the pinned version."""

    _fields_ = [("devices", ctypes.c_void_p), ("overrides", ctypes.c_void_p)]
    _fields_ += [(name, ctypes.c_int32) for name in ("gpu_layers", "split", "load", "lazy", "main_gpu")]
    _fields_ += [(name, ctypes.c_void_p) for name in ("tensor_split", "progress", "progress_data", "kv_overrides")]
    _fields_ += [(name, ctypes.c_bool) for name in ("vocab_only", "check", "extra", "no_host", "no_alloc", "mtp")]


class Override(ctypes.Structure):
    """llama_model_kv_override; the value's union as bytes."""

    _fields_ = [("tag", ctypes.c_int), ("key", ctypes.c_char * 128), ("value", ctypes.c_int64), ("rest", ctypes.c_char * 120)]


def llama_tokenize(options, file: Path, lines: list[str], spm: bool) -> list[list[int]]:
    """By the library itself: the server does not serve a vocabulary without a model."""
    library = ctypes.CDLL(str(Path(options.llama_cpp) / "libllama.so"))
    library.llama_model_default_params.restype = ModelParams
    library.llama_model_load_from_file.restype = library.llama_model_get_vocab.restype = ctypes.c_void_p
    library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, ModelParams]
    library.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    library.llama_tokenize.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.POINTER(ctypes.c_int32), ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    library.llama_log_set(quiet, None)
    params = library.llama_model_default_params()
    params.vocab_only = True
    # No space before a text: a piece of a file is tokenised as it stands.
    overrides = (Override * 2)(Override(2, b"tokenizer.ggml.add_space_prefix", 0), Override())
    if spm:
        params.kv_overrides = ctypes.cast(overrides, ctypes.c_void_p)
    model = library.llama_model_load_from_file(str(file).encode(), params)
    assert model, file
    vocab = library.llama_model_get_vocab(model)
    room = (ctypes.c_int32 * 10000)()
    out = []
    for line in lines:
        text = line.encode()
        count = library.llama_tokenize(vocab, text, len(text), room, len(room), False, False)
        assert count >= 0, line
        out.append(list(room[:count]))
    return out


def report(count: Count, name: str, lines: list[str], got: list[list[int]], want: list[list[int]]) -> None:
    wrong = [i for i, (a, b) in enumerate(zip(got, want)) if a != b]
    ids = sum(map(len, want))
    count.check(not wrong and len(got) == len(want), f"{name}: {len(lines) - len(wrong)} of {len(lines)} texts, {ids} ids")
    for i in wrong[:5]:
        print(f"    {lines[i][:100]!r}\n      ours {got[i][:20]}\n    theirs {want[i][:20]}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--llama-cpp", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--only", nargs="*", help="cases of make.py, instead of all")
    parser.add_argument("what", choices=["all", "models", "tokens"])
    options = parser.parse_args()
    Path(options.work).mkdir(parents=True, exist_ok=True)
    count = Count()
    if options.what in ("all", "models"):
        models(options, count)
    if options.what in ("all", "tokens"):
        tokens(options, count)
    print(f"\n{count.passed} passed, {count.failed} failed")
    raise SystemExit(count.failed > 0)


if __name__ == "__main__":
    main()
