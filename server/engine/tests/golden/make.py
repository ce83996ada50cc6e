"""Makes the golden logits that the reference backend is held to: tiny models of weights from a formula, computed by transformers.

    python3 -m venv venv && venv/bin/pip install torch transformers
    venv/bin/python make.py

writes one JSON file a case beside this script: the `config.json` that transformers saves, a prompt, rows of logits, and the greedy
continuation. The weights are not stored: `src/fixture.rs` computes the same ones from the same formula.
"""

import json
import math
import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

VOCAB = 32 + 256 + 8
COMMON = dict(
    vocab_size=VOCAB,
    hidden_size=256,
    intermediate_size=256,
    num_hidden_layers=2,
    max_position_embeddings=512,
    rms_norm_eps=1e-5,
    bos_token_id=1,
    eos_token_id=0,
    dtype="float32",
)
LLAMA = dict(COMMON, num_attention_heads=4, num_key_value_heads=2, head_dim=64, tie_word_embeddings=False)
QWEN2 = dict(COMMON, num_attention_heads=4, num_key_value_heads=1, head_dim=128, tie_word_embeddings=True)


def rope(kind: str, **parameters) -> dict:
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=10000.0, **parameters))


LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
CASES = {
    "llama": (LlamaConfig, LlamaForCausalLM, LLAMA, rope("default")),
    "llama-linear": (LlamaConfig, LlamaForCausalLM, LLAMA, rope("linear", factor=4.0)),
    "llama-llama3": (LlamaConfig, LlamaForCausalLM, LLAMA, rope("llama3", **LLAMA3)),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, QWEN2, rope("default")),
    "qwen2-yarn": (Qwen2Config, Qwen2ForCausalLM, QWEN2, rope("yarn", factor=4.0, original_max_position_embeddings=64)),
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


def canonical(name: str) -> str:
    """`model.layers.0.self_attn.q_proj.bias` is `layers.0.attn_q_bias`."""
    name = name.removeprefix("model.")
    name = name.removesuffix(".weight") if name.endswith(".weight") else name.removesuffix(".bias") + "_bias"
    for theirs, ours in {
        "embed_tokens": "embedding", "lm_head": "output", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }.items():
        name = name.replace(theirs, ours)
    return "output_norm" if name == "norm" else name


def weights(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    if name.endswith("norm"):
        offset, scale = 1.0, 0.1
    elif name.endswith("bias"):
        offset, scale = 0.0, 0.5
    else:
        offset, scale = 0.0, 0.0625 if name == "embedding" else math.sqrt(3.0 / shape[1])
    return torch.from_numpy((offset + scale * noise(name, math.prod(shape))).astype(np.float32).reshape(shape))


def main() -> None:
    here = Path(__file__).parent
    prompt = [int(32 + (x + 1.0) / 2.0 * (VOCAB - 32)) for x in noise("prompt", 100)]
    for case, (config_class, model_class, shape, extra) in CASES.items():
        config = config_class(**shape, **extra)
        config._attn_implementation = "eager"
        model = model_class(config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights(canonical(name), tuple(parameter.shape)))
            logits = model(torch.tensor([prompt])).logits[0]
            sequence = list(prompt)
            for _ in range(24):
                sequence.append(int(model(torch.tensor([sequence])).logits[0, -1].argmax()))
        with tempfile.TemporaryDirectory() as folder:
            config.save_pretrained(folder)
            saved = json.loads((Path(folder) / "config.json").read_text())
        rows = {str(i): [float(f"{x:.7g}") for x in logits[i]] for i in (0, 37, len(prompt) - 1)}
        golden = dict(config=saved, prompt=prompt, rows=rows, greedy=sequence[len(prompt):])
        (here / f"{case}.json").write_text(json.dumps(golden) + "\n")
        top = logits[-1].topk(2).values
        print(case, "last row:", [round(float(x), 4) for x in logits[-1][:3]], "lead of the first:", float(top[0] - top[1]))


if __name__ == "__main__":
    main()
