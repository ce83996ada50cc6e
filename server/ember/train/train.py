"""Train ember on the shards, by the clock: the learning rate reaches zero exactly when the time is up.

The same script trains the spark on two CPU cores and the real model on a GPU (`--device cuda --compile --model ember-35m`). It
resumes from its checkpoint; `--until HH:MM` (UTC) or `--max-seconds` (training seconds in all, over every resume) end the run.
Under `torchrun --nproc-per-node N` the micro-batches of a step are shared out and the gradients summed: on CPU, N processes of one
thread each meet once a step instead of at every operation, which is what a machine that others use too needs.
"""

import argparse, datetime, json, os, queue, random, subprocess, sys, threading, time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

from model import CONFIGS, Config, Ember
import tokenizer as tok
from optimizer import Muon

ROLE_WEIGHTS = torch.tensor([0.4, 1.0, 5.0])  # context and suffix, prefix, middle and its end


class Batches:
    """Micro-batches of samples of like length: (ids [n, t], weights [n, t]), padded to a multiple of 64. Endless.

    The next shard is the least used of those that are there by then; `used` says how often each was begun.
    """

    def __init__(self, folder: Path, micro: int, seed: int, used: dict[str, int] | None = None):
        self.folder, self.micro, self.seed, self.used = folder, micro, seed, dict(used or {})

    def __iter__(self):
        while True:
            path = min(self.folder.glob("*.npz"), key=lambda path: (self.used.get(path.name, 0), path.name))
            rng = random.Random(self.seed + sum(self.used.values()))
            self.used[path.name] = self.used.get(path.name, 0) + 1
            yield from self.shard(path, rng)

    def shard(self, path: Path, rng: random.Random):
        data = np.load(path)
        ends = np.cumsum(data["lengths"].astype(np.int64))
        tokens, roles, lengths = data["tokens"], data["roles"], data["lengths"]
        order = list(range(len(ends)))
        rng.shuffle(order)
        size = max(512, self.micro // 8)  # many batches' worth, or much of them is padding
        for i in range(0, len(order), size):
            pool = sorted(order[i : i + size], key=lambda s: lengths[s])
            batches, batch = [], []
            for s in pool:
                width = -(-int(lengths[s]) // 64) * 64
                if batch and width * (len(batch) + 1) > self.micro:
                    batches.append(batch)
                    batch = []
                batch.append(s)
            if len(batch) > 1 or not batches:
                batches.append(batch)
            else:  # one row is a shape that everything is compiled for once more
                batches[-1] += batch
            rng.shuffle(batches)
            for batch in batches:
                width = -(-max(int(lengths[s]) for s in batch) // 64) * 64 + 1
                ids, weights = torch.zeros(len(batch), width, dtype=torch.long), torch.zeros(len(batch), width)
                for row, s in enumerate(batch):
                    n, begin = int(lengths[s]), int(ends[s]) - int(lengths[s])
                    ids[row, :n] = torch.from_numpy(tokens[begin : begin + n].astype(np.int64))
                    weights[row, 1:n] = ROLE_WEIGHTS[torch.from_numpy(roles[begin + 1 : begin + n].astype(np.int64))]
                yield ids, weights


def ahead(batches: Batches, depth: int = 16):
    """The same batches, prepared by a thread while the device computes."""
    ready: queue.Queue = queue.Queue(depth)

    def fill():
        for batch in batches:
            ready.put(batch)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def drill(ids: torch.Tensor, rng: random.Random, rows: int, width: int = 161) -> tuple[torch.Tensor, torch.Tensor]:
    """Copying practice: segments of the batch, as they are or shuffled, said over and over with a period of their own.

    Only what is said again counts. Copying from what was seen is most of completing code, and natural text alone teaches it late.
    """
    words = ids[ids >= 32].tolist()
    out, weights = torch.zeros(rows, width, dtype=torch.long), torch.ones(rows, width)
    for row in range(rows):
        period = rng.randint(6, 64)
        start = rng.randrange(max(1, len(words) - 2 * period))
        segment = words[start : start + period]
        if rng.random() < 0.6:
            segment = sorted(set(words[start : start + 2 * period]))[:period]
            rng.shuffle(segment)
        out[row] = torch.tensor(segment * (width // len(segment) + 1))[:width]
        weights[row, : len(segment) + 1] = 0
    return out, weights


def loss_sum(model: Ember, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    hidden = model.hidden(ids[:, :-1])
    logits = model.logits(hidden).flatten(0, 1)
    return (F.cross_entropy(logits.float(), ids[:, 1:].flatten(), reduction="none") * weights[:, 1:].flatten()).sum()


@torch.no_grad()
def heldout(model: Ember, folder: Path, device: str, limit: int = 6) -> dict[str, float]:
    """Mean loss a token of the prefix and of the middle on the first batches of the held-out shard."""
    sums = {"prefix": [0.0, 0], "middle": [0.0, 0]}
    for n, (ids, weights) in zip(range(limit), Batches(folder, 4096, 0)):
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = model(ids[:, :-1].to(device)).float()
        losses = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten().to(device), reduction="none").cpu()
        for name, weight in (("prefix", 1.0), ("middle", 5.0)):
            mask = (weights[:, 1:] == weight).flatten()
            sums[name][0] += losses[mask].sum().item()
            sums[name][1] += mask.sum().item()
    return {name: total / max(count, 1) for name, (total, count) in sums.items()}


def deadline(args) -> float:
    if args.until:
        hour, minute = map(int, args.until.split(":"))
        now = datetime.datetime.now(datetime.timezone.utc)
        end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (end if end > now else end + datetime.timedelta(days=1)).timestamp()
    return float("inf")


def join() -> tuple[int, int]:
    """(rank, world) of this process; alone when not started by torchrun."""
    if "RANK" not in os.environ:
        return 0, 1
    dist.init_process_group("gloo")
    return dist.get_rank(), dist.get_world_size()


def sum_gradients(model: Ember, loss: torch.Tensor) -> torch.Tensor:
    """Add up the gradients and the losses of all ranks, as one flat buffer."""
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in grads] + [loss.view(1)])
    dist.all_reduce(flat)
    flat, loss = flat[:-1], flat[-1]
    for g, part in zip(grads, flat.split([g.numel() for g in grads])):
        g.copy_(part.view_as(g))
    return loss


def save(path: Path, **state):
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all that is made")
    parser.add_argument("--model", choices=CONFIGS, default="spark")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--until", help="stop at this time, HH:MM in UTC")
    parser.add_argument("--max-seconds", type=float, default=float("inf"))
    parser.add_argument("--micro", type=int, default=3072, help="tokens a forward pass")
    parser.add_argument("--batch", type=int, default=6144, help="tokens a step, about")
    parser.add_argument("--lr", type=float, default=0.02, help="of the matrices (Muon)")
    parser.add_argument("--embed-lr", type=float, default=0.004, help="of embeddings and norms (AdamW)")
    parser.add_argument("--decay", type=float, default=0.6, help="share of the time in which the rate falls to zero")
    parser.add_argument("--drill-until", type=float, default=0.0, help="share of the time in which copying is practised beside")
    parser.add_argument("--warmup", type=int, default=30, help="steps")
    parser.add_argument("--save-every", type=float, default=240, help="seconds")
    parser.add_argument("--export", action="store_true", help="run export.py after each checkpoint")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rank, world = join()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high")
    run = args.data / "runs" / args.model
    run.mkdir(parents=True, exist_ok=True)
    config = CONFIGS[args.model]
    model = Ember(config).to(args.device)
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    optimizers = [Muon(matrices, args.lr, weight_decay=0.02), torch.optim.AdamW(others, args.embed_lr, (0.9, 0.95), weight_decay=0.0)]
    peaks = [args.lr, args.embed_lr]
    step = tokens = edits = 0
    used: dict[str, int] = {}
    trained = 0.0
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=args.device, weights_only=False)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"] or []):  # none of weights that `begin.py` read
            optimizer.load_state_dict(saved)
        step, tokens, trained, used = state["step"], state["tokens"], state["trained"], state["used"]
        edits = state.get("edits", 0)
        print(f"resumed at step {step}, {tokens / 1e6:.2f} M tokens")
    folder = args.data / f"shards-{config.vocab}"
    data = Batches(folder, args.micro, args.seed, used)
    stream = ahead(data)
    compute = torch.compile(loss_sum, dynamic=True) if args.compile else loss_sum
    end, before, began = deadline(args), trained, time.time()
    saved, log = began, open(run / "log.jsonl", "a")
    smooth = None

    def checkpoint_now(final: bool):
        if rank:
            return
        save(checkpoint, model=model.state_dict(), optimizers=[o.state_dict() for o in optimizers], step=step, tokens=tokens,
             trained=trained, used=data.used, edits=edits, config=config.as_dict(), final=final)
        held = heldout(model, args.data / f"heldout-{config.vocab}", args.device)
        print(f"saved at step {step}; held-out loss: prefix {held['prefix']:.3f}, middle {held['middle']:.3f}", flush=True)
        log.write(json.dumps(dict(step=step, tokens=tokens, heldout=held)) + "\n")
        log.flush()
        if args.export:
            command = [sys.executable, str(Path(__file__).parent / "export.py"), "--data", str(args.data), "--model", args.model]
            (subprocess.run if final else subprocess.Popen)(command)

    while True:
        trained = before + time.time() - began
        left = min(end - time.time(), args.max_seconds - trained)
        due = time.time() - saved > args.save_every
        if world > 1:  # all ranks follow the clock of the first
            shared = torch.tensor([trained, left, due], dtype=torch.float64)
            dist.broadcast(shared, 0)
            trained, left, due = shared.tolist()
        if due:
            saved = time.time()
            checkpoint_now(False)
        if left <= 0:
            break
        progress = trained / (trained + left)
        scale = min(1.0, (step + 1) / args.warmup) * min(1.0, (1 - progress) / args.decay)
        for optimizer, peak in zip(optimizers, peaks):
            for group in optimizer.param_groups:
                group["lr"] = peak * scale
        batch = [next(stream) for _ in range(max(world, args.batch // args.micro))]
        tokens += sum(int((w > 0).sum()) for _, w in batch)
        edits += sum(int((ids == tok.NEXT).sum()) for ids, _ in batch)
        if progress < args.drill_until:
            batch += [drill(batch[r % len(batch)][0], random.Random(f"{args.seed} {step} {r}"), max(6, args.batch // 1024)) for r in range(world)]
        total = sum(float(w.sum()) for _, w in batch)
        value = torch.zeros((), device=args.device)
        for ids, weights in batch[rank::world]:
            with torch.autocast(args.device, dtype=torch.bfloat16):
                loss = compute(model, ids.to(args.device), weights.to(args.device)) / total
            loss.backward()
            value += loss.detach()
        if world > 1:
            value = sum_gradients(model, value)
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        smooth = value if smooth is None else smooth.lerp(value, 0.1)
        if rank == 0 and (step % 10 == 0 or step == 1):
            seconds, loss = time.time() - began, float(smooth)
            print(f"step {step} {progress:6.1%} loss {loss:.3f} lr {scale:.2f} {tokens / 1e6:.2f} M tokens, {seconds:.0f} s", flush=True)
            log.write(json.dumps(dict(step=step, tokens=tokens, loss=round(loss, 4), seconds=round(trained), lr=round(scale, 3))) + "\n")
    checkpoint_now(True)
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
