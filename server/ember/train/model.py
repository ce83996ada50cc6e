"""Ember's network: a llama-architecture decoder, small enough to read in one go.

RMSNorm before each half, grouped-query attention with rotary positions (half-split, as Hugging Face stores it), SwiGLU, tied
embeddings, no biases. Rows are padded on the right and attention is causal, so padding needs no mask.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Config:
    """The shape of a model; `CONFIGS` names the ones this recipe trains."""

    vocab: int = 8192
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 704
    theta: float = 10000.0
    eps: float = 1e-5
    context: int = 4096

    def parameters(self) -> int:
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        return self.vocab * self.hidden + self.layers * (attention + 3 * self.hidden * self.ffn + 2 * self.hidden) + self.hidden

    as_dict = asdict


CONFIGS = {
    "spark": Config(),
    "spark-deep": Config(layers=12),
    "tiny": Config(hidden=64, layers=2, heads=2, kv_heads=1, head_dim=32, ffn=128),
    "ember-35m": Config(vocab=16384, hidden=512, layers=10, heads=8, kv_heads=2, ffn=1408),
}


def rotary_table(config: Config, length: int, device) -> tuple[Tensor, Tensor]:
    """cos and sin: [length, head_dim / 2]."""
    frequencies = config.theta ** -(torch.arange(0, config.head_dim, 2, device=device).float() / config.head_dim)
    angles = torch.outer(torch.arange(length, device=device).float(), frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x: [batch, heads, time, head_dim]; the first half of a head is rotated against the second."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden, c.heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: list | None) -> Tensor:
        batch, time, _ = x.shape
        c = self.c
        q = self.q_proj(x).view(batch, time, c.heads, c.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if cache is not None:  # decoding: cache holds the keys and values of earlier positions
            if cache:
                k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
            cache[:] = [k, v]
        groups = c.heads // c.kv_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None or time > 1)  # in training a constant: a symbol breaks the graph that is compiled
        return self.o_proj(y.transpose(1, 2).reshape(batch, time, c.heads * c.head_dim))


class Mlp(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden, c.ffn, bias=False)
        self.up_proj = nn.Linear(c.hidden, c.ffn, bias=False)
        self.down_proj = nn.Linear(c.ffn, c.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c.hidden, c.eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = nn.RMSNorm(c.hidden, c.eps)
        self.mlp = Mlp(c)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, cache: list | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Ember(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.config = c
        self.embed_tokens = nn.Embedding(c.vocab, c.hidden)
        self.layers = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = nn.RMSNorm(c.hidden, c.eps)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02 if "embed" in name else c.hidden**-0.5)
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.normal_(p, std=c.hidden**-0.5 / (2 * c.layers) ** 0.5)

    def hidden(self, tokens: Tensor, cache: list[list] | None = None) -> Tensor:
        """tokens: [batch, time] -> [batch, time, hidden], normed. With a cache, `tokens` continues what the cache holds."""
        past = cache[0][0].shape[2] if cache and cache[0] else 0
        cos, sin = rotary_table(self.config, past + tokens.shape[1], tokens.device)
        cos, sin = cos[past:], sin[past:]
        x = self.embed_tokens(tokens)
        for i, block in enumerate(self.layers):
            x = block(x, cos, sin, cache[i] if cache is not None else None)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.embed_tokens.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.logits(self.hidden(tokens))

    @torch.no_grad()
    def greedy(self, prompt: list[int], limit: int, stop: set[int]) -> list[int]:
        """Greedy continuation of one prompt, at most `limit` tokens, the stop token included when it comes."""
        cache: list[list] = [[] for _ in self.layers]
        device = self.embed_tokens.weight.device
        tokens, out = torch.tensor([prompt], device=device), []
        while len(out) < limit:
            token = int(self.logits(self.hidden(tokens, cache)[0, -1]).argmax())
            out.append(token)
            if token in stop:
                break
            tokens = torch.tensor([[token]], device=device)
        return out
