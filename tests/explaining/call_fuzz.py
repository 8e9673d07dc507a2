"""Random calls: methods, layers, targets, options and inputs, most of them right, some of them not.

``python call_fuzz.py SEED COUNT`` prints one line for every outcome that is neither an
answer nor an error of the project, and at last how many of each there were.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

import xai_heatmap as xh
import xai_heatmap.methods
from xai_heatmap.core.registry import METHODS, MODIFIERS, find_method
from xai_heatmap.testing.kits.torch_models import Plain, Residual
from xai_heatmap.testing.networks.segmenting import Binary, Colours
from xai_heatmap.testing.short_options import SHORT

SIDE = 12
ODD = (None, True, -1, 0, 1, 2, 3, 10**6, 2**70, 0.5, -0.5, 1e308, float("nan"), float("inf"), "",
       "3", "nan", "auto", "zero", b"3", (), (1,), (2, 2), [3, 3, 3], {}, {"a": 1}, object,
       np.float32(2), np.int64(3), np.zeros(2), np.zeros((0, 3)))  # fmt: skip
"""What any argument may be given by mistake."""


class Steps(nn.Module):
    """One score a class for each of three parts of a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self.conv(x).relu()).transpose(1, 2)


def signal() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip


def brightness(x: np.ndarray) -> np.ndarray:
    return np.stack([x[:, 0].mean((1, 2)), x[:, 1, :4].mean((1, 2)), x[:, 2].max((1, 2))], 1)


def networks() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Opened networks by name, each with the shape of what it takes."""
    torch.manual_seed(0)
    picture, line = (3, SIDE, SIDE), (2, 24)
    made: dict[str, tuple[Any, tuple[int, ...], dict[str, Any]]] = {
        "plain": (Plain(), picture, {}),
        "residual": (Residual(), picture, {}),
        "softmax": (nn.Sequential(Plain(), nn.Softmax(1)), picture, {}),
        "labels": (nn.Sequential(Plain(), nn.Sigmoid()), picture, {}),
        "unit": (nn.Sequential(Plain(1), nn.Sigmoid()), picture, {}),
        "values": (Plain(), picture, {"answers": "values"}),
        "places": (Colours(), picture, {}),
        "binary": (Binary(), picture, {}),
        "signal": (signal(), line, {}),
        "steps": (Steps(), line, {}),
        "function": (brightness, picture, {}),
    }
    return {
        name: (
            xh.network(model.eval() if isinstance(model, nn.Module) else model,
                       image_shape=shape, **how), shape,
        )
        for name, (model, shape, how) in made.items()
    }  # fmt: skip


class Calls:
    """Draws arguments."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.networks = networks()

    def one_of(self, things: Any) -> Any:
        things = list(things)
        return things[self.random.integers(len(things))]

    def often(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def odd(self, right: Any, share: float = 0.04) -> Any:
        """What is right, or now and then anything else."""
        return self.one_of(ODD) if self.often(share) else right

    def method(self) -> str:
        name = self.one_of(METHODS)
        return f"{self.one_of(MODIFIERS)}:{name}" if self.often(0.1) else name

    def options(self, name: str) -> Mapping[str, Any]:
        try:
            taken = find_method(name).taken
        except xh.XaiHeatmapError:
            return {}
        found = {key: value for key, value in SHORT.get(name, {}).items() if key in taken}
        found |= {"samples": 3} if ":" in name else {}
        for option in taken.values():
            if self.often(0.15):
                least = option.within.least if option.within else 0
                right = [*option.choices] or [option.default, least, least + 1]
                short = option.name not in ("samples", "steps", "cells", "window", "stride")
                drawn = self.odd(self.one_of(right if short else [least, 2, 3]), 0.3)
                endless = isinstance(drawn, int) and drawn > 100  # as many passes are run as asked
                found[option.name] = 2 if endless else drawn
        if self.often(0.02):
            found[self.one_of(["sample", "x", ""])] = 1
        return found

    def layer(self, network: Any, shape: tuple[int, ...]) -> Any:
        survey = network.survey(shape)
        every = (
            survey.layers
            if self.often(0.1)
            else [n for n, own in survey.layers.items() if own.grid]
        )
        return self.odd(self.one_of(["auto", "auto", "input", *every]), 0.03)

    def simple(self) -> Any:
        """A target that other targets are made of."""
        makers: list[Callable[[], Any]] = [
            lambda: xh.category(self.odd(self.one_of([0, 1, 2, -1]))),
            lambda: xh.top(self.odd(self.one_of([1, 2, 3]))),
            lambda: xh.margin(self.odd(self.one_of([None, 0, 1]))),
            lambda: xh.contrast(
                self.odd(self.one_of([0, 1, xh.top(1)])),
                against=self.odd(
                    self.one_of([0, 2, [1, 2], xh.rest(), xh.similar(), xh.similar(1)])
                ),
                weight=self.odd(self.one_of([1.0, 0.6, 0.0])),
            ),
            lambda: xh.probability(self.odd(self.one_of([0, 1]))),
            lambda: xh.residual_softmax(self.odd(self.one_of([None, 0, 1]))),
        ]
        return self.one_of(makers)()

    def target(self, scores: np.ndarray) -> Any:
        """None, a class, or one of all that there is; made inside the call, for it may refuse."""
        wrong = self.often(0.2)
        other = self.odd(self.one_of([scores, np.roll(scores, 1), scores + 1]))
        values = [
            lambda rows: rows[:, 0],
            lambda rows: rows.std(1),
            lambda rows: 0 * rows[:, 0],
            lambda rows: rows[:, 99] if wrong else rows[:, -1],
            lambda rows: rows[:, 0] / 0 if wrong else abs(rows).sum(1),
        ]
        makers: list[Callable[[], Any]] = [
            lambda: None,
            lambda: self.odd(self.one_of([0, 1, 2, "for", "against"])),
            self.simple,
            self.simple,
            lambda: xh.negative(self.odd(self.simple())),
            lambda: xh.likeness(other),
            lambda: xh.function(self.one_of(values)),
        ]
        region = (None, (2, 2, 8, 9), (20, 2, 30, 4))
        placed: list[Callable[[], Any]] = [
            lambda: xh.region(self.odd(self.simple()), where=self.odd(self.one_of(region))),
            lambda: xh.step(self.odd(self.one_of([0, 1, 2])), self.odd(self.one_of([0, 1, 2]))),
            lambda: xh.box(self.odd((1, 1, 5, 5)), self.odd(self.one_of([None, 0]))),
        ]
        if self.often(0.3 if scores.size > 4 else 0.05):
            return self.one_of(placed)()
        return self.one_of(makers)()

    def picture(self, shape: tuple[int, ...]) -> np.ndarray:
        x = self.random.normal(size=shape).astype(np.float32)
        how = self.random.integers(30)
        if how == 0:
            return np.zeros_like(x)
        if how == 1:
            return x * np.float32(self.one_of([1e-8, 1e8, 1e30]))
        if how == 2:
            x.flat[self.random.integers(x.size)] = self.one_of([np.nan, np.inf])
        return x

    def drawn(self) -> tuple[str, Callable[[], Any]]:
        """What is called, in words, and the call."""
        name, (network, shape) = self.one_of(self.networks.items())
        x = self.picture(shape)
        method = self.odd(self.method(), 0.02)
        options = self.options(method) if isinstance(method, str) else {}
        seed, layer = int(self.random.integers(2**31)), self.layer(network, shape)
        what = f"{name} {method} {options} layer={layer!r} target#{seed}"
        ask = {"method": method, "options": self.odd(options, 0.01), "layer": layer}

        def target() -> Any:
            self.random = np.random.default_rng(seed)
            with np.errstate(all="ignore"):
                scores = np.nan_to_num(network.record(x[None]).scores[0])
            return self.target(scores)

        if self.often(0.3):
            batch = np.stack([x, self.picture(shape)])
            return f"maps {what}", lambda: xh.maps(network, batch, target=target(), **ask)
        how: dict[str, Any] = {"preprocess": "ready"} if len(shape) == 3 else {}
        if self.often(0.2):
            methods = self.odd([method, self.odd(self.one_of(METHODS))])
            several = {"methods": methods, "layers": layer}
            several["options"] = self.odd({method: options} if options else None)
            return f"compare {what}", lambda: xh.compare(
                network, x, targets=[None, target()], **several, **how
            )
        given = self.odd(x, 0.03)
        return f"explain {what}", lambda: xh.explain(network, given, target=target(), **ask, **how)


def outcome(call: Callable[[], Any]) -> str:
    """``answer``, ``refused``, or what went wrong."""
    try:
        found = call()
        if isinstance(found, xh.Explanation):
            return _judged(found)
        if isinstance(found, xh.Comparison):
            return next((said for said in map(_judged, found) if said != "answer"), "answer")
        if isinstance(found, xh.Explanations):
            return "answer" if list(found.going_on([])) is not None else ""
    except xh.XaiHeatmapError as error:
        return "refused" if len(str(error)) > 20 else f"a refusal without words: {error!r}"
    except Exception as error:  # noqa: BLE001 - what else there is, is what is looked for
        return f"{type(error).__name__}: {error}"
    every = found.values() if isinstance(found, dict) else [found]
    return "answer" if all(np.isfinite(one).all() for one in every) else "a map with NaN"


def _judged(found: xh.Explanation) -> str:
    if not np.isfinite(found.map).all():
        return f"a map with NaN, verdict {found.verdict.word}"
    if found.verdict.word == "ok" and not found.map.max() > 0:
        return "an empty map with verdict ok"
    drawn = found.overlay()
    return "answer" if drawn.dtype == np.uint8 and found.notes is not None else "no picture"


def main(seed: int, count: int) -> None:
    warnings.simplefilter("ignore")
    calls, counted = Calls(seed), Counter[str]()
    for number in range(count):
        calls.random = np.random.default_rng([seed, number])
        what, call = calls.drawn()
        found = outcome(call)
        counted[found if found in ("answer", "refused") else "wrong"] += 1
        if found not in ("answer", "refused"):
            sys.stdout.write(f"{number}: {found[:300]} | {what}\n")
            sys.stdout.flush()
    words = (f"{name}={counted[name]}" for name in ("answer", "refused", "wrong"))
    sys.stdout.write(" ".join(words) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
