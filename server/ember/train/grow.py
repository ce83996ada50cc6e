"""Make a deeper model of a trained one: every block is followed by copies of it that add nothing yet.

The copies' output matrices are zero, so the deeper model says what the other one said, and training goes on from there
(the growth that keeps the function, of Net2Net, Chen et al. 2016, https://arxiv.org/abs/1511.05641).
"""

import argparse
from pathlib import Path

import torch

from model import CONFIGS, Config, Ember
from train import save


def grown(weights: dict[str, torch.Tensor], small: Config, large: Config) -> dict[str, torch.Tensor]:
    """The state of a model of `large.layers` layers that computes what `weights`, of `small.layers`, do."""
    if large.layers % small.layers or {**small.as_dict(), "layers": 0} != {**large.as_dict(), "layers": 0}:
        raise ValueError(f"only the layers may differ, and be a multiple: {small} cannot become {large}")
    copies = large.layers // small.layers
    out = {name: w for name, w in weights.items() if not name.startswith("layers.")}
    for name, w in weights.items():
        if name.startswith("layers."):
            _, layer, rest = name.split(".", 2)
            for copy in range(copies):
                adds_nothing = copy > 0 and rest.endswith(("o_proj.weight", "down_proj.weight"))
                out[f"layers.{int(layer) * copies + copy}.{rest}"] = torch.zeros_like(w) if adds_nothing else w.clone()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a checkpoint of train.py")
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--model", choices=CONFIGS, default="spark-deep", help="what it becomes")
    args = parser.parse_args()
    run = args.data / "runs" / args.model
    if (run / "checkpoint.pt").exists():
        parser.error(f"{run / 'checkpoint.pt'} is there already: training goes on from it")
    state = torch.load(args.checkpoint, map_location="cpu", weights_only=False)
    small, large = Config(**state["config"]), CONFIGS[args.model]
    model = Ember(large)
    model.load_state_dict(grown(state["model"], small, large))
    run.mkdir(parents=True, exist_ok=True)
    save(run / "checkpoint.pt", model=model.state_dict(), optimizers=None, step=0, tokens=0, trained=0.0, used=state["used"], edits=state.get("edits", 0),
         config=large.as_dict(), final=False)
    print(f"{run / 'checkpoint.pt'}: {small.parameters() / 1e6:.1f} M parameters became {large.parameters() / 1e6:.1f} M")


if __name__ == "__main__":
    main()
