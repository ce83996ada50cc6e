"""Begin from weights that were exported: a GGUF of `export.py` becomes a checkpoint without optimizer states, and its tokenizer.

For when the checkpoints are gone. What quantising took is not given back; the first steps of training mend that.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, models

import tokenizer as tok
from export import gguf_name, halves, rotated_heads
from model import CONFIGS, Config, Ember
from train import save


def strings(reader: gguf.GGUFReader, key: str) -> list[str]:
    field = reader.fields[key]
    return [bytes(field.parts[i]).decode() for i in field.data]


def read_tokenizer(reader: gguf.GGUFReader) -> Tokenizer:
    pieces = strings(reader, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in strings(reader, "tokenizer.ggml.merges")]
    return tok.with_pipeline(Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges)))


def read_model(reader: gguf.GGUFReader, config: Config) -> Ember:
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    model = Ember(config)
    for name, p in model.named_parameters():
        array = np.array(tensors[gguf_name(name)], dtype=np.float32)
        if heads := rotated_heads(name, config):
            array = halves(array, heads)
        p.data.copy_(torch.from_numpy(array.reshape(p.shape)))
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a GGUF that export.py wrote")
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--model", choices=CONFIGS, default="spark")
    args = parser.parse_args()
    config = CONFIGS[args.model]
    reader = gguf.GGUFReader(args.weights)
    run = args.data / "runs" / args.model
    if (run / "checkpoint.pt").exists():
        parser.error(f"{run / 'checkpoint.pt'} is there already: training goes on from it")
    run.mkdir(parents=True, exist_ok=True)
    tok.save(read_tokenizer(reader), args.data / f"tokenizer-{config.vocab}.json")
    model = read_model(reader, config)
    save(run / "checkpoint.pt", model=model.state_dict(), optimizers=None, step=0, tokens=0, trained=0.0, used={}, edits=0, config=config.as_dict(), final=False)
    print(f"{run / 'checkpoint.pt'}: {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters of {args.weights}")


if __name__ == "__main__":
    main()
