"""``python -m training.detectors.train``: train the three detectors, print what they find."""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from training.detectors.learning import iou, loss_of
from training.detectors.models import KINDS
from training.detectors.planted import FIRST_SEED, SIDE, planted
from training.detectors.weights import keep

BATCH = 32
HIGHEST_RATE = 4e-3
CHUNK = 200
FARTHEST = 6
LIKELY, NEAR = 0.5, 0.5
"""Probability and overlap from which on a box counts as found."""

STEPS = {"per level": 1000, "queries": 800, "proposals": 400}
"""Steps of training; the later two begin with the trunk of the first."""

console = Console()
Pool = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Pictures (n, 128, 128, 3), boxes (n, 2, 4) and classes (n, 2)."""


def drawn(seeds: range) -> Pool:
    """Pictures of those seeds, with the truth."""
    scenes = [planted(seed) for seed in seeds]
    return (
        np.stack([scene.image for scene in scenes]),
        np.array([[o.box for o in scene.objects] for scene in scenes], np.float32),
        np.array([[o.category for o in scene.objects] for scene in scenes]),
    )


def pool(count: int, folder: Path, workers: int) -> Pool:
    """Pictures to learn from, drawn once and kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"detectors-{count}.npz"
    if not path.exists():
        starts = range(FIRST_SEED, FIRST_SEED + count, CHUNK)
        with ProcessPoolExecutor(workers) as executor:
            parts = list(executor.map(drawn, [range(s, s + CHUNK) for s in starts]))
        images, boxes, classes = (np.concatenate(part)[:count] for part in zip(*parts, strict=True))
        np.savez(path, images=images, boxes=boxes, classes=classes)
    with np.load(path) as known:
        return known["images"], known["boxes"], known["classes"]


def inputs(images: np.ndarray) -> Tensor:
    """x / 127.5 - 1, channels first."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def batch(pool: Pool, chance: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures by chance, mirrored, moved and recoloured by chance, with the boxes where they are
    then.
    """
    chosen = chance.choice(len(pool[0]), BATCH, replace=False)
    x, boxes, own = inputs(pool[0][chosen]), pool[1][chosen].copy(), pool[2][chosen]
    for i in range(BATCH):
        if chance.random() < 0.5:
            x[i] = x[i].flip(-1)
            boxes[i][:, [0, 2]] = SIDE - boxes[i][:, [2, 0]]
        down, right = (int(step) for step in chance.integers(-FARTHEST, FARTHEST + 1, 2))
        rows = (torch.arange(SIDE) - down).clamp(0, SIDE - 1)
        columns = (torch.arange(SIDE) - right).clamp(0, SIDE - 1)
        x[i] = x[i][:, rows][:, :, columns]
        boxes[i] = np.clip(boxes[i] + [right, down, right, down], 0, SIDE)
    gain = torch.from_numpy(chance.uniform(0.85, 1.15, (BATCH, 3, 1, 1)).astype(np.float32))
    return ((x + 1) * gain - 1).clamp(-1, 1), torch.from_numpy(boxes), torch.from_numpy(own)


def trained(kind: str, pool: Pool, *, seed: int, trunk: nn.Module | None) -> nn.Module:
    """A detector that has learnt to find the objects, ready to be asked."""
    torch.manual_seed(seed)
    model, chance = KINDS[kind](), np.random.default_rng(seed)
    if trunk is not None:
        model.get_submodule("trunk").load_state_dict(trunk.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), lr=HIGHEST_RATE, weight_decay=0.03)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, HIGHEST_RATE / (2 if trunk is not None else 1), total_steps=STEPS[kind]
    )
    usual = 0.0
    for step in range(STEPS[kind]):
        loss = loss_of(kind, model, *batch(pool, chance))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimiser.step()
        rate.step()
        usual = 0.98 * usual + 0.02 * loss.item()
        if step % 50 == 49:
            console.print(f"{kind}: step {step + 1}/{STEPS[kind]}, loss {usual:.3f}")
    return model.eval()


def corners(kind: str, model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities (n, boxes, classes) and corners (n, boxes, 4) in pixels."""
    with torch.inference_mode():
        said = model.found(x)
    p = said[0].sigmoid() if kind == "per level" else said[0].softmax(-1)[..., :-1]
    return p, said[1]


def recall(kind: str, model: nn.Module, count: int) -> tuple[float, float]:
    """Share of the objects of unseen pictures whose likeliest box of their class is sure and near,
    and the mean overlap of these.
    """
    images, boxes, own = drawn(range(count))
    p, found = corners(kind, model, inputs(images))
    hits = []
    for i in range(count):
        for box, index in zip(torch.from_numpy(boxes[i]), own[i], strict=True):
            best = int(p[i, :, index].argmax())
            sure = float(p[i, best, index]) > LIKELY
            overlap = float(iou(found[i, best], box))
            hits.append(overlap if sure and overlap > NEAR else 0.0)
    right = [one for one in hits if one]
    return len(right) / len(hits), float(np.mean(right or [0.0]))


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=6000, help="pictures in the pool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw scenes")
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    parser.add_argument("--count", type=int, default=300, help="unseen scenes to measure on")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    known, trunk = pool(given.scenes, given.folder, given.workers), None
    for kind in KINDS:
        started = time.process_time()
        model = trained(kind, known, seed=given.seed, trunk=trunk)
        trunk = trunk or model.get_submodule("trunk")
        keep(kind, model)
        share, near = recall(kind, model, given.count)
        minutes = (time.process_time() - started) / 60
        console.print(f"[bold]{kind}[/]: found {share:.1%}, overlap {near:.2f}; {minutes:.1f} min")


if __name__ == "__main__":
    main()
