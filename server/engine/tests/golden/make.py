"""Makes the goldens that the reference backend is held to: tiny checkpoints of every family, computed by transformers.

    python3 -m venv venv && venv/bin/pip install torch transformers
    venv/bin/python make.py [--keep FOLDER] [CASE...]

writes two files a case beside this script. `CASE.json`: the `config.json` and the tensors' names, shapes and distributions as transformers
saves them, a prompt, and the greedy continuation. `CASE.f32`: the logits at every position of prompt and continuation, little-endian
`[positions, vocab]`. The weights are not stored: they come from a formula of the name that they have in the file, and `src/fixture.rs`
computes the same ones. `--keep` leaves the checkpoints in a folder (tests/parity/run runs them through genuine llama.cpp).
"""

import argparse
import json
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaMLP

VOCAB = 32 + 256 + 8
PROMPT = 72
GREEDY = 24
COMMON = dict(
    vocab_size=VOCAB, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=512, bos_token_id=1, eos_token_id=0, pad_token_id=0, dtype="float32", tie_word_embeddings=False,
)
# `head_dim` is not hidden / heads; the fields of a family that has none of them are left out below.
LLAMA = dict(COMMON, num_key_value_heads=2, head_dim=32, rms_norm_eps=1e-5)
# Wide enough for the block formats of 256.
WIDE = dict(LLAMA, hidden_size=256, intermediate_size=256, head_dim=64)


def rope(kind: str, **parameters) -> dict:
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=10000.0, **parameters))


PLAIN = rope("default")
LLAMA3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = rope("yarn", factor=4.0, original_max_position_embeddings=32)
MINISTRAL = rope(
    "yarn", factor=16.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0,
    llama_4_scaling_beta=0.1,
)
MINISTRAL["rope_parameters"]["max_position_embeddings"] = 512

CASES = {
    "llama": ("LlamaConfig", WIDE | PLAIN),
    "llama-linear": ("LlamaConfig", LLAMA | rope("linear", factor=4.0)),  # DeepSeek-Coder v1
    "llama-llama3": ("LlamaConfig", LLAMA | LLAMA3),
    "llama-bias": ("LlamaConfig", LLAMA | PLAIN | dict(attention_bias=True, mlp_bias=True)),  # Granite Code 3B and 8B
    "mistral": ("MistralConfig", LLAMA | PLAIN | dict(sliding_window=24)),
    "ministral3": ("Ministral3Config", LLAMA | MINISTRAL),
    # The same inside the wrapper that Devstral Small 2 and Ministral 3 are shipped in; its vision tensors are not read.
    "mistral3": ("Mistral3Config", dict(
        text_config=dict(LLAMA | MINISTRAL, model_type="ministral3", tie_word_embeddings=True), tie_word_embeddings=True,
        vision_config=dict(model_type="pixtral", hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
                           head_dim=16, image_size=32, patch_size=16), dtype="float32")),
    # llama.cpp knows no other width of heads here than hidden / heads.
    "qwen2": ("Qwen2Config", WIDE | PLAIN | dict(num_key_value_heads=1, head_dim=64, tie_word_embeddings=True)),
    "qwen2-yarn": ("Qwen2Config", LLAMA | YARN | dict(head_dim=16)),
    "qwen3": ("Qwen3Config", LLAMA | PLAIN | dict(tie_word_embeddings=True)),
    "qwen3moe": ("Qwen3MoeConfig", LLAMA | PLAIN | dict(
        num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, norm_topk_prob=True, decoder_sparse_step=1)),
    "deepseek": ("Mixture", {k: v for k, v in LLAMA.items() if k != "head_dim"} | PLAIN | dict(
        num_hidden_layers=3, first_k_dense_replace=1, n_routed_experts=8, n_shared_experts=2, num_experts_per_tok=3, moe_intermediate_size=32,
        moe_layer_freq=1, norm_topk_prob=False, scoring_func="softmax", hidden_act="silu", rope_theta=10000.0)),
    "starcoder2": ("Starcoder2Config", COMMON | PLAIN | dict(
        num_key_value_heads=2, norm_epsilon=1e-5, use_bias=True, sliding_window=24, tie_word_embeddings=True)),
    "gemma": ("GemmaConfig", LLAMA | PLAIN | dict(rms_norm_eps=1e-6, tie_word_embeddings=True)),
    "granite": ("GraniteConfig", {k: v for k, v in LLAMA.items() if k != "head_dim"} | PLAIN | dict(
        embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.08, logits_scaling=6.0)),
    "gpt-bigcode": ("GPTBigCodeConfig", dict(
        vocab_size=VOCAB, n_embd=64, n_layer=2, n_head=4, n_inner=256, n_positions=512, bos_token_id=1, eos_token_id=0,
        multi_query=True, activation_function="gelu_pytorch_tanh", dtype="float32")),
}
MASK = (1 << 64) - 1


def noise(name: str, n: int) -> np.ndarray:
    """Pseudo-random float64 in [-1, 1) that depend on the name alone: SplitMix64 seeded by FNV-1a."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 & MASK
    z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0


def distribution(case: str, name: str, shape: list[int]) -> tuple[float, float]:
    """Mean and half-width of a tensor's numbers."""
    if name.endswith(".bias"):
        # What a norm adds goes straight into the logits where the output is tied: a large bias would drown the rest.
        return 0.0, 0.05 if "norm" in name or "ln_" in name else 0.5
    if len(shape) == 1:
        return (0.0 if case == "gemma" else 1.0), 0.1  # Gemma's norms multiply with 1 + weight.
    if any(part in name for part in ("embed_tokens", "wte", "wpe")):
        return 0.0, 0.0625
    return 0.0, float(f"{math.sqrt(3.0 / shape[-1]):.6g}")


def weights(name: str, shape: list[int], mean: float, width: float) -> torch.Tensor:
    return torch.from_numpy((mean + width * noise(name, math.prod(shape))).astype(np.float32).reshape(shape))


class Mixture(torch.nn.Module):
    """The MLP of DeepSeek's first mixture of experts (arXiv 2401.06066), whose model transformers does not have: the rest of it is Llama's."""

    def __init__(self, c: dict):
        super().__init__()
        mlp = lambda width: LlamaMLP(LlamaConfig(hidden_size=c["hidden_size"], intermediate_size=width))
        self.gate = torch.nn.Linear(c["hidden_size"], c["n_routed_experts"], bias=False)
        self.experts = torch.nn.ModuleList(mlp(c["moe_intermediate_size"]) for _ in range(c["n_routed_experts"]))
        self.shared_experts = mlp(c["n_shared_experts"] * c["moe_intermediate_size"])
        self.used = c["num_experts_per_tok"]

    def forward(self, h):
        p = self.gate(h).softmax(-1)
        best = p.topk(self.used)
        p = torch.zeros_like(p).scatter(-1, best.indices, best.values)
        return self.shared_experts(h) + sum(p[..., i, None] * expert(h) for i, expert in enumerate(self.experts))


def mixture(parameters: dict) -> LlamaForCausalLM:
    known = {name: value for name, value in parameters.items() if name not in ("rope_theta", "first_k_dense_replace")}
    model = LlamaForCausalLM._from_config(LlamaConfig(**known), attn_implementation="eager")
    for layer in model.model.layers[parameters["first_k_dense_replace"]:]:
        layer.mlp = Mixture(parameters)
    return model.float()


def load(case: str, folder: Path):
    kind, parameters = CASES[case]
    if kind != "Mixture":
        return model_class(case).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model = mixture(parameters)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def model_class(case: str) -> type:
    return AutoModelForImageTextToText if case == "mistral3" else AutoModelForCausalLM


def write_checkpoint(case: str, folder: Path) -> dict:
    """A checkpoint as transformers saves it, its weights replaced by the formula's; gives its tensors."""
    kind, parameters = CASES[case]
    file = folder / "model.safetensors"
    if kind == "Mixture":
        save_file(mixture(parameters).state_dict(), file)
        config = dict(parameters, model_type="deepseek", architectures=["DeepseekForCausalLM"])
        (folder / "config.json").write_text(json.dumps(config))
    else:
        model_class(case).from_config(getattr(transformers, kind)(**parameters)).save_pretrained(folder)
    tensors = {name: (list(tensor.shape), *distribution(case, name, list(tensor.shape))) for name, tensor in load_file(file).items()}
    save_file({name: weights(name, *spec) for name, spec in tensors.items()}, file, metadata={"format": "pt"})
    return tensors


def make(case: str, folder: Path, here: Path) -> None:
    tensors = write_checkpoint(case, folder)
    model = load(case, folder)
    prompt = [int(32 + (x + 1.0) / 2.0 * (VOCAB - 32)) for x in noise("prompt", PROMPT)]
    sequence = list(prompt)
    with torch.no_grad():
        lead = math.inf
        for _ in range(GREEDY):
            row = model(torch.tensor([sequence]), use_cache=False).logits[0, -1]
            best = row.topk(2)
            lead = min(lead, float((best.values[0] - best.values[1]) / row.abs().max()))
            sequence.append(int(best.indices[0]))
        whole = model(torch.tensor([sequence]), use_cache=False).logits[0]
        steps, cache = [], None
        for token in sequence:
            out = model(torch.tensor([[token]]), past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            steps.append(out.logits[0, -1])
    apart = float((torch.stack(steps) - whole).abs().max() / whole.abs().max())
    assert apart < 1e-4, f"{case}: transformers' own steps differ from its prefill by {apart}"
    assert lead > 2e-4, f"{case}: a tie, the greedy tokens say nothing"
    config = json.loads((folder / "config.json").read_text())
    golden = dict(config=config, tensors=tensors, prompt=prompt, greedy=sequence[PROMPT:])
    (here / f"{case}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    (here / f"{case}.f32").write_bytes(whole.numpy().astype("<f4").tobytes())
    print(f"{case}: steps and prefill differ by {apart:.1e}, least lead of the first token {lead:.1e}, {len(tensors)} tensors")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    torch.manual_seed(0)
    here = Path(__file__).parent
    for case in options.cases or CASES:
        with tempfile.TemporaryDirectory() as folder:
            make(case, Path(folder), here)
            if options.keep:
                shutil.copytree(folder, options.keep / case, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
