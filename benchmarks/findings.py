"""``python -m benchmarks.findings``: are planted shortcuts found, and none claimed without one?

Trains small networks (`training/shortcuts.py`), makes a run of each with `xai_heatmap.batch`, and
looks at what `xai_heatmap.findings` says. Networks that are done are kept in a file, so that the
command goes on where it was stopped; ``--write`` puts the table into docs/findings-in-your-data.md.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from training import shortcuts
from training.pool import Pool
from training.shortcuts import CLASSES, MARK, SIDE, Recipe

import xai_heatmap as xh
from benchmarks.tables import put

KEPT = Path(__file__).with_name("findings.json")
MARKS = "<!-- figures: findings -->", "<!-- end of figures: findings -->"
LEARNT, LOOKED = 1800, 360
SHARES = (0.3, 0.6, 0.95)
FIRST = 3
"""Findings among which a shortcut counts as found."""

TOUCHED = 0.1
"""Share of the mark that a piece covers, to be on it."""


def recipes(count: int) -> Iterator[Recipe]:
    """As many networks with a planted shortcut as without any, and some that need none."""
    for k in range(count):
        yield Recipe("planted", SHARES[k % 3], (k // 3) % len(CLASSES), 100 + k)
        yield Recipe("none" if k % 2 else "random", 0.0, 0, 1100 + k)
    for k in range(3 * count // 10):
        yield Recipe("beside", SHARES[k % 3], (k // 3) % len(CLASSES), 2100 + k)


def measured(recipe: Recipe, folder: Path) -> dict[str, object]:
    """What one network reaches, and what findings say of it."""
    drawn = shortcuts.pool(LEARNT, shortcuts.TRAINED_ON, folder)
    model = shortcuts.trained(
        shortcuts.trunk(drawn, folder), shortcuts.worn(drawn, recipe, learnt=True)[0],
        seed=recipe.seed,
    )  # fmt: skip
    plain = shortcuts.pool(LOOKED, shortcuts.SHOWN, folder)
    shown, whose = shortcuts.worn(plain, recipe, learnt=False)
    with tempfile.TemporaryDirectory() as place:
        how = {"mode": "tf", "input_size": (SIDE, SIDE), "fit": "stretch"}
        run = xh.batch(list(shown.images), model, out=place, preprocess=how, labels=CLASSES)
        start = time.process_time()
        found = xh.findings(run, model)
        seconds = time.process_time() - start
    planted = recipe.kind in ("planted", "beside")
    ranks = [
        place
        for place, one in enumerate(found.findings, 1)
        if planted and one.name == CLASSES[recipe.chosen] and _on_mark(one, shown, whose) >= 0.5
    ]
    claimed = [place for place, one in enumerate(found.findings, 1) if one.shortcut]
    return {
        **vars(recipe), **_used(model, plain, recipe), "groups": len(found.findings),
        "on_mark": ranks, "claimed": claimed, "seconds": round(seconds, 2),
        "claims": [
            {"name": one.name, "on_mark": round(_on_mark(one, shown, whose), 2),
             "bridged": round(one.bridged, 3), "fall": round(one.fall.mean, 3),
             "rise": round(one.rise.mean, 3), "turned": round(one.turned, 3)}
            for one in found.findings
        ],
    }  # fmt: skip


def _on_mark(one: xh.Finding, shown: shortcuts.Pool, whose: np.ndarray) -> float:
    """Share of a finding's pictures whose piece lies on a mark."""
    on = []
    for name, *shares in one.group.places:
        left, top, right, bottom = (share * SIDE for share in shares)
        y, x = shown.places[int(name)]
        down = max(min(bottom, y + MARK) - max(top, y), 0)
        across = max(min(right, x + MARK) - max(left, x), 0)
        on.append(whose[int(name)] >= 0 and down * across >= TOUCHED * MARK**2)
    return float(np.mean(on))


def _used(model: torch.nn.Module, plain: shortcuts.Pool, recipe: Recipe) -> dict[str, float]:
    """How much the network makes of the mark: right without it; other classes that it turns."""
    bare = shortcuts.scores(model, plain.images)
    every = Pool(plain.images, np.full(len(plain.categories), recipe.chosen), plain.places)
    marked, _ = shortcuts.worn(every, Recipe("beside", 1.0, recipe.chosen, 0), learnt=False)
    with_mark = shortcuts.scores(model, marked.images)
    own = plain.categories == recipe.chosen
    return {
        "right": round(float((bare.argmax(1) == plain.categories).mean()), 3),
        "right_own": round(float((bare[own].argmax(1) == recipe.chosen).mean()), 3),
        "turned": round(float((with_mark[~own].argmax(1) == recipe.chosen).mean()), 3),
    }


def interval(hits: int, count: int) -> tuple[float, float]:
    """Bounds of a share at 95 % (Wilson 1927)."""
    z, share = 1.959964, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    half = z * spread / (1 + z * z / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def table(rows: list[dict]) -> str:
    """The table of docs/findings-in-your-data.md."""
    head = (
        f"| networks | right | marks turn other pictures | found among the first {FIRST}, claimed "
        "| claims that are not of the mark | processor seconds |"
    )
    said = [head, "|---|---|---|---|---|---|"]
    kinds = [(f"planted, {share:.0%} wear it", "planted", share) for share in SHARES]
    kinds += [("planted, all", "planted", None), ("no mark anywhere", "none", None)]
    kinds += [("marks that say nothing", "random", None), ("without a shortcut, all", "", None)]
    kinds += [(f"right objects beside it, {share:.0%}", "beside", share) for share in SHARES]
    for name, kind, share in kinds:
        own = [
            one for one in rows
            if (one["kind"] == kind or (not kind and one["kind"] in ("none", "random")))
            and share in (None, one["share"])
        ]  # fmt: skip
        if own:
            said.append(_row(name, own))
    return "\n".join(said)


def _row(name: str, own: list[dict]) -> str:
    count = len(own)
    found = sum(
        any(rank <= FIRST and rank in one["claimed"] for rank in one["on_mark"]) for one in own
    )
    false = sum(any(rank not in one["on_mark"] for rank in one["claimed"]) for one in own)
    marked = own[0]["kind"] in ("planted", "beside")
    turned = f"{np.mean([one['turned'] for one in own]):.0%}" if marked else ""
    return (
        f"| {name} ({count}) | {np.mean([one['right'] for one in own]):.1%} | {turned} | "
        f"{_share(found, count) if marked else ''} | {_share(false, count)} | "
        f"{np.mean([one['seconds'] for one in own]):.1f} |"
    )


def _share(hits: int, count: int) -> str:
    low, high = interval(hits, count)
    return f"{hits} of {count} ({low:.0%} to {high:.0%})"


def main() -> None:
    """Train, find, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=40, help="with a shortcut; as many without")
    parser.add_argument("--folder", type=Path, default=Path("out/training"))
    parser.add_argument("--kept", type=Path, default=KEPT, help="figures of networks that are done")
    parser.add_argument(
        "--write", action="store_true", help="put the table into docs/findings-in-your-data.md"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = json.loads(given.kept.read_text()) if given.kept.exists() else []
    done = {(one["kind"], one["seed"]) for one in rows}
    for recipe in recipes(given.networks):
        if (recipe.kind, recipe.seed) in done:
            continue
        rows.append(measured(recipe, given.folder))
        given.kept.write_text(json.dumps(rows, indent=0) + "\n")
        told = {name: rows[-1][name] for name in ("right", "turned", "on_mark", "claimed")}
        print(recipe, told, flush=True)
    print(table(rows))
    if given.write:
        put(Path("docs/findings-in-your-data.md"), MARKS, table(rows))


if __name__ == "__main__":
    main()
