"""Writes a GGUF of random weights in F16 with a model's true shape, for llama-quantize. usage: make_gguf.py SHAPE FILE

Needs numpy and llama.cpp's own `gguf` package. The vocabulary is bytes and fillers: the benches tokenise nothing.
"""

import sys

import gguf
import numpy

# architecture, hidden, layers, heads, key heads, head, ffn, vocabulary: as in server/engine/src/shape.rs; all tied.
SHAPES = {
    "ember": ("llama", 512, 12, 8, 2, 64, 1408, 8192),
    "qwen2.5-coder-0.5b": ("qwen2", 896, 24, 14, 2, 64, 4864, 151_936),
    "qwen2.5-coder-1.5b": ("qwen2", 1536, 28, 12, 2, 128, 8960, 151_936),
}


def main() -> None:
    name, file = sys.argv[1:]
    architecture, hidden, layers, heads, kv_heads, head, ffn, vocabulary = SHAPES[name]
    random = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_name(name + ", random weights")
    writer.add_block_count(layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    # GPT-2's 256 characters for bytes.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = [chr(b) for b in plain] + [chr(256 + i) for i in range(256 - len(plain))]
    tokens = characters + ["in"] + [f"<filler{i}>" for i in range(vocabulary - 257)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * vocabulary)
    writer.add_token_merges(["i n"])
    writer.add_bos_token_id(300)
    writer.add_eos_token_id(300)
    writer.add_add_bos_token(False)

    def matrix(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(name, (random.standard_normal((rows, columns), numpy.float32) * columns**-0.5).astype(numpy.float16))

    def vector(name: str, values: numpy.ndarray) -> None:
        writer.add_tensor(name, values.astype(numpy.float32))

    matrix("token_embd.weight", vocabulary, hidden)
    vector("output_norm.weight", numpy.ones(hidden))
    for i in range(layers):
        for part, rows, columns in [
            ("attn_q", heads * head, hidden),
            ("attn_k", kv_heads * head, hidden),
            ("attn_v", kv_heads * head, hidden),
            ("attn_output", hidden, heads * head),
            ("ffn_gate", ffn, hidden),
            ("ffn_up", ffn, hidden),
            ("ffn_down", hidden, ffn),
        ]:
            matrix(f"blk.{i}.{part}.weight", rows, columns)
            if architecture == "qwen2" and part in ("attn_q", "attn_k", "attn_v"):
                vector(f"blk.{i}.{part}.bias", random.standard_normal(rows) * 0.01)
        vector(f"blk.{i}.attn_norm.weight", numpy.ones(hidden))
        vector(f"blk.{i}.ffn_norm.weight", numpy.ones(hidden))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
