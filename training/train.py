"""``python -m training.train``: draw the scenes, train both networks, print what they reach."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from training.drawing import RECIPES, Recipe, batches
from training.measure import measured
from training.network import folded, network
from training.pool import Pool, pool
from xai_heatmap.networks.loading.demo import TRAINED_ON
from xai_heatmap.scenes import CLASSES

BATCH = 64
HIGHEST_RATE = 4e-3
QUIET = 0.1
"""What the mean of the features costs: they learn to speak only where there is something to say."""

console = Console()


def trained(pool: Pool, recipe: Recipe, *, seed: int, bfloat16: bool) -> nn.Sequential:
    """A network that has learnt the recipe, ready to be asked."""
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = network(len(CLASSES)).to(device, memory_format=torch.channels_last)
    steps = recipe.passes * (len(pool.images) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=HIGHEST_RATE, weight_decay=0.03)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, HIGHEST_RATE, total_steps=steps, pct_start=0.15
    )
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    right = 0.0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=steps)
        for step, drawn in enumerate(batches(pool, recipe, size=BATCH, seed=seed)):
            x, labels = (tensor.to(device) for tensor in drawn)
            with torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                features = model[:-3](x)
                scores = model[-3:](features)
            loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=0.05)
            loss = loss + QUIET * features.float().mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            rate.step()
            right = 0.99 * right + 0.01 * (scores.argmax(1) == labels).float().mean().item()
            progress.update(task, advance=1, description=f"right {right:6.2%}")
            if step % 250 == 249:
                progress.print(f"step {step + 1}/{steps}: right {right:.2%} of the last pictures")
    return model.eval()


def answers(model: nn.Module):
    """Pictures in, scores out."""
    device = next(model.parameters()).device

    def scores(pictures: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            return model(x).float().cpu().numpy()

    return scores


def main() -> None:
    """Train what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(RECIPES), help=f"of {list(RECIPES)}")
    parser.add_argument("--scenes", type=int, default=len(TRAINED_ON), help="pictures in the pool")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw scenes")
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    parser.add_argument("--count", type=int, default=2400, help="unseen scenes to measure on")
    parser.add_argument(
        "--bfloat16", action="store_true", help="twice as fast on processors with AMX, and on CUDA"
    )
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    drawn = pool(given.scenes, folder=given.folder, workers=given.workers)
    for name in given.names:
        started = time.perf_counter()
        model = trained(drawn, RECIPES[name], seed=given.seed, bfloat16=given.bfloat16)
        minutes = (time.perf_counter() - started) / 60
        arrays = {key: array.numpy() for key, array in folded(model).items()}
        np.savez(given.folder / f"{name}.npz", **arrays)
        console.print(f"[bold]{name}[/]: {minutes:.1f} minutes, {given.count} unseen scenes")
        for what, share in measured(answers(model), count=given.count).items():
            console.print(f"  {what:20} {share:7.2%}")


if __name__ == "__main__":
    main()
