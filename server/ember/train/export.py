"""Export a checkpoint: GGUF (Q8_0 matrices, F32 norms) for the engine, and safetensors in Hugging Face's layout for parity tests.

GGUF's `llama` architecture rotates adjacent pairs, the network rotates halves: rows of Q and K are permuted on the way out.
The file is written beside its place and renamed, so a reader never sees half of it.
"""

import argparse, json
from pathlib import Path

import gguf
import numpy as np
import torch

import tokenizer as tok
from model import Config, Ember


def load(path: Path) -> tuple[Ember, dict]:
    state = torch.load(path, map_location="cpu", weights_only=False)
    model = Ember(Config(**state["config"]))
    model.load_state_dict(state["model"])
    return model.eval(), state


def q8_0(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of 32: the quantised bytes and what they stand for."""
    packed = gguf.quants.quantize(array, gguf.GGMLQuantizationType.Q8_0)
    return packed, gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)


def dequantised(model: Ember) -> Ember:
    """The network as the engine sees it: every matrix through Q8_0 and back, in f32."""
    copy = Ember(model.config)
    copy.load_state_dict(
        {n: torch.from_numpy(q8_0(p.float().numpy())[1]) if p.dim() == 2 else p for n, p in model.state_dict().items()}
    )
    return copy.eval()


def adjacent_pairs(weight: np.ndarray, heads: int) -> np.ndarray:
    """[heads * head_dim, hidden]: row i and row i + head_dim / 2 of a head become neighbours."""
    rows, hidden = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, hidden).swapaxes(1, 2).reshape(rows, hidden)


def halves(weight: np.ndarray, heads: int) -> np.ndarray:
    """What `adjacent_pairs` did, undone."""
    rows, hidden = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, hidden).swapaxes(1, 2).reshape(rows, hidden)


def rotated_heads(name: str, c: Config) -> int:
    """How many heads of a tensor are rotated; 0 of one that is no query or key."""
    return c.heads if ".q_proj." in name else c.kv_heads if ".k_proj." in name else 0


NAMES = {
    "embed_tokens.weight": "token_embd.weight",
    "norm.weight": "output_norm.weight",
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight",
    "mlp.up_proj.weight": "ffn_up.weight",
    "mlp.down_proj.weight": "ffn_down.weight",
}


def gguf_name(name: str) -> str:
    if name.startswith("layers."):
        _, number, rest = name.split(".", 2)
        return f"blk.{number}.{NAMES[rest]}"
    return NAMES[name]


ENOUGH_EDITS = 20_000  # samples of edits that weights must have seen before they are asked for any


def write_gguf(model: Ember, tokenizer_path: Path, out: Path, edits: int = 0):
    c = model.config
    part = out.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_name("ember")
    writer.add_license("MIT OR Apache-2.0")
    if edits >= ENOUGH_EDITS:
        writer.add_string("pilotlight.edit_form", "ember")
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.hidden)
    writer.add_block_count(c.layers)
    writer.add_feed_forward_length(c.ffn)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_key_length(c.head_dim)
    writer.add_value_length(c.head_dim)
    writer.add_layer_norm_rms_eps(c.eps)
    writer.add_rope_freq_base(c.theta)
    writer.add_rope_dimension_count(c.head_dim)
    writer.add_vocab_size(c.vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    saved = json.loads(tokenizer_path.read_text())["model"]
    pieces = sorted(saved["vocab"], key=saved["vocab"].get)
    types = [gguf.TokenType.CONTROL if i < len(tok.SPECIALS) else gguf.TokenType.NORMAL for i in range(len(pieces))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(pieces)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in saved["merges"]])
    writer.add_bos_token_id(tok.BOS)
    writer.add_eos_token_id(tok.EOT)
    writer.add_eot_token_id(tok.EOT)
    writer.add_add_bos_token(True)
    writer.add_uint32("tokenizer.ggml.fim_pre_token_id", tok.PREFIX)
    writer.add_uint32("tokenizer.ggml.fim_suf_token_id", tok.SUFFIX)
    writer.add_uint32("tokenizer.ggml.fim_sep_token_id", tok.FILE)
    for name, p in model.state_dict().items():
        array = p.float().numpy()
        if heads := rotated_heads(name, c):
            array = adjacent_pairs(array, heads)
        if p.dim() == 2:
            writer.add_tensor(gguf_name(name), q8_0(np.ascontiguousarray(array))[0], raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(gguf_name(name), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(out)


def write_safetensors(model: Ember, tokenizer_path: Path, folder: Path):
    from safetensors.torch import save_file

    c = model.config
    folder.mkdir(parents=True, exist_ok=True)
    save_file({f"model.{n}": p.float().contiguous() for n, p in model.state_dict().items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "tokenizer.json").write_text(tokenizer_path.read_text())
    config = dict(
        architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=c.vocab, hidden_size=c.hidden, num_hidden_layers=c.layers,
        num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, head_dim=c.head_dim, intermediate_size=c.ffn, hidden_act="silu",
        rms_norm_eps=c.eps, rope_theta=c.theta, max_position_embeddings=c.context, tie_word_embeddings=True, attention_bias=False,
        mlp_bias=False, bos_token_id=tok.BOS, eos_token_id=tok.EOT, torch_dtype="float32",
    )
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


GOLDEN = [
    ("src/main.rs", "fn main() {\n    let args: Vec<String> = std::env::args().", "\n    println!(\"{args:?}\");\n}\n"),
    ("app/models.py", "class User:\n    def __init__(self, name, age):\n        self.name = na", "\n        self.age = age\n"),
    ("lib/index.js", "function add(a, b) {\n  ", "\n}\n\nmodule.exports = { add };\n"),
    ("cmd/main.go", "func run() error {\n\tif err := start(); err != nil {\n\t\t", "\n\t}\n\treturn nil\n}\n"),
    ("notes/naïve.txt", "2 + 2 = 4 \t<|eot|> stays text, “quoted”\n", ""),
]
GOLDEN_CONTEXT = dict(context=[("src/point.rs", "pub struct Point {\n    pub x: f32,\n}\n")], recent=["let p = Point { x: 1.0 };\n"])


def write_golden(model: Ember, tokenizer_path: Path, out: Path):
    """What the engine must reproduce: from the dequantised weights in f32, top-5 logits and 16 greedy ids of a few prompts."""
    from samples import Encoder

    model, encoder, cases = dequantised(model), Encoder(tok.load(tokenizer_path)), []
    for number, (path, prefix, suffix) in enumerate(GOLDEN):
        extra = GOLDEN_CONTEXT if number == 0 else dict(context=[], recent=[])
        ids = encoder.prompt(path, prefix, suffix, **extra)[0]
        with torch.no_grad():
            top = model(torch.tensor([ids]))[0, -1].topk(5)
        cases.append(dict(**extra, path=path, prefix=prefix, suffix=suffix, prompt=ids, top_ids=top.indices.tolist(),
                          top_logits=[round(x, 5) for x in top.values.tolist()], greedy=model.greedy(ids, 16, set())))
    text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    out.write_text(f'{{"weights": "Q8_0 dequantised to f32", "note": "greedy does not stop at eot", "cases": [\n{text}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--model", default="spark")
    parser.add_argument("--out", type=Path, help="the GGUF, golden.json beside it; DATA/out/ember.gguf if not given")
    parser.add_argument("--safetensors", type=Path, help="write a Hugging Face folder here too")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, state = load(args.data / "runs" / args.model / "checkpoint.pt")
    tokenizer_path = args.data / f"tokenizer-{model.config.vocab}.json"
    out = args.out or args.data / "out" / "ember.gguf"
    write_gguf(model, tokenizer_path, out, state.get("edits", 0))
    write_golden(model, tokenizer_path, out.with_name("golden.json"))
    if args.safetensors:
        write_safetensors(model, tokenizer_path, args.safetensors)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, step {state['step']}, {state['tokens'] / 1e6:.2f} M tokens")


if __name__ == "__main__":
    main()
