"""One framework, measured in a process of its own: ``python -m benchmarks.worker FRAMEWORK OUT``.

Settings come as JSON on the standard input; records go to OUT/FRAMEWORK.jsonl as they are made, the
maps that are compared between frameworks to OUT/FRAMEWORK.npz.
"""

import dataclasses
import gc
import importlib
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks import networks, peers, timing
from benchmarks.framework import Framework
from benchmarks.networks import SUBJECTS
from benchmarks.reasons import reason
from benchmarks.settings import (
    ALL_LAYERS,
    AS_THEY_COME,
    FRAMEWORKS,
    MANY_TARGETS,
    OF_THE_HEAD,
    ONE_LAYER,
    OURS,
    REPLAY,
    SEVERAL_TARGETS,
    STRIDED,
    Settings,
)

Record = dict[str, Any]

LISTS = ("networks", "batches", "precisions")
"""Settings that are tuples, which JSON does not have."""

TARGETS = 5
"""The likeliest classes, each explained at all layers."""

REPLAYED = 16
"""Activations that are replayed at once."""

WIDE = (1920, 1080)
"""Width and height of the photograph that is overlaid."""

WARMUP = 30
"""Explained images before memory is watched: allocators and caches fill first."""


def main() -> None:
    """Measure and write."""
    name, out = sys.argv[1], Path(sys.argv[2])
    given = json.load(sys.stdin)
    settings = Settings(**given | {key: tuple(given[key]) for key in LISTS})
    framework = importlib.import_module(f"benchmarks.{FRAMEWORKS[name]}").FRAMEWORK
    worker = Worker(name, framework, settings)
    with (out / f"{name}.jsonl").open("w") as file:
        for record in worker.records(out):
            file.write(json.dumps(record | {"framework": name}) + "\n")
            file.flush()


@dataclasses.dataclass(frozen=True)
class Worker:
    """A framework with what is asked of it."""

    name: str
    framework: Framework
    settings: Settings

    def records(self, out: Path) -> Iterator[Record]:
        """Everything; memory first, while no freed memory could hide what is kept."""
        yield {
            "kind": "framework",
            "title": self.framework.title,
            "versions": self.framework.versions(),
            "card": self.framework.card(),
        }
        trained = [n for n in self.settings.networks if SUBJECTS[n].trained]
        for network in trained:
            yield from self._tried("memory", network, self._memory)
        if self.settings.device == "cpu":
            maps: dict[str, np.ndarray] = {}
            for network in trained:
                yield from self._tried("agreement", network, lambda n: self._compared(n, maps))
            np.savez(out / f"{self.name}.npz", **maps)
        if self.name == "torch" and "squeezenet" in trained:
            yield from self._tried("overlay", "squeezenet", self._overlay)
        for network in self.settings.networks:
            yield from self._tried("timing", network, self._timed)
            gc.collect()

    def _tried(
        self, kind: str, network: str, make: Callable[[str], Iterator[Record]]
    ) -> Iterator[Record]:
        print(f"{self.name}: {kind}, {network}", file=sys.stderr)
        facts = {"network": network}
        try:
            for record in make(network):
                yield {"kind": kind} | facts | record
        except Exception as error:  # noqa: BLE001 - the table says what failed; the rest goes on
            yield {"kind": "missing", "of": kind, "row": kind, "reason": reason(error)} | facts

    def _batch(self, network: str, count: int) -> np.ndarray:
        return networks.batch(network, count, channels_last=self.framework.channels_last)

    def _plan(self) -> timing.Plan:
        return timing.Plan(
            self.settings.least,
            self.settings.most,
            self.settings.seconds,
            synchronise=self.framework.synchronise,
        )

    def _memory(self, network: str) -> Iterator[Record]:
        opened = xh.network(self.framework.model(network))
        paths = networks.photographs()
        watched: list[tuple[float, float]] = []
        for number in range(-min(WARMUP, self.settings.images), self.settings.images):
            xh.explain(
                opened, paths[number % len(paths)], preprocess=SUBJECTS[network].preprocess
            ).overlay()
            if number >= 0:
                watched.append((resident_megabytes(), self.framework.held() / 2**20))
        tenth = max(1, len(watched) // 10)
        start, end = (
            [statistics.median(column) for column in zip(*part, strict=True)]
            for part in (watched[:tenth], watched[-tenth:])
        )
        yield {
            "images": self.settings.images,
            "growth": end[0] - start[0],
            "card_growth": end[1] - start[1],
        }

    def _compared(self, network: str, maps: dict[str, np.ndarray]) -> Iterator[Record]:
        x = self._batch(network, self.settings.pictures)
        found = xh.maps(self.framework.model(network), x)
        maps[network] = found / np.maximum(
            found.max(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny
        )
        yield {"pictures": len(x), "shape": found.shape[1:]}

    def _overlay(self, network: str) -> Iterator[Record]:
        from PIL import Image

        photograph = Image.open(networks.photographs()[0]).convert("RGB").resize(WIDE)
        explained = xh.explain(
            self.framework.model(network), photograph, preprocess=SUBJECTS[network].preprocess
        )
        seconds = timing.repeated(explained.overlay, 2 * self.settings.least)
        yield {"best": min(seconds), "median": statistics.median(seconds)}

    def _timed(self, network: str) -> Iterator[Record]:
        for precision in self.settings.precisions if self.name == "torch" else ("float32",):
            for record in self._timed_in(precision, network):
                yield record | {"precision": precision}
            gc.collect()

    def _timed_in(self, precision: str, network: str) -> Iterator[Record]:
        model = self.framework.model(network, precision)
        opened = xh.network(model)
        for count in self.settings.batches:
            x = self._batch(network, count)
            bare = self.framework.bare(model, x)
            shape = x.shape[1:] if not self.framework.channels_last else (x.shape[3], *x.shape[1:3])
            layer = opened.survey(shape).auto
            assert layer is not None
            case = peers.Case(model, x, layer, int(bare()[0].argmax()))
            yield from self._case(case, opened, bare, network)
            if not self.framework.channels_last:
                yield from self._as_they_come(case, opened)
            if count == 1:
                yield from self._of_the_head(case, opened, bare)
        if network == "resnet50" and precision == "float32":
            yield from self._replayed(model, opened)

    def _case(
        self, case: peers.Case, opened: Any, bare: timing.Call, network: str
    ) -> Iterator[Record]:
        def ours(layer: str) -> Any:
            return xh.maps(opened, case.x, layer=layer, target=case.target)

        facts = {"batch": len(case.x), "layer": case.layer}
        preset = SUBJECTS[network].preprocess
        calls: dict[str, timing.Call] = {
            "bare forward, again": bare,
            "xai-heatmap": lambda: ours(case.layer),
        }
        goals = {"xai-heatmap": ONE_LAYER}
        if len(case.x) == 1:
            everywhere = f"xai-heatmap, all {len(ours('all'))} layers"
            calls[everywhere] = lambda: ours("all")
            if (aim := ALL_LAYERS.get((self.name, network))) is not None:
                goals[everywhere] = aim
            for at, aim in (("auto", SEVERAL_TARGETS), ("all", MANY_TARGETS)):
                several = f"xai-heatmap, {TARGETS} targets × {at} layers"
                calls[several], goals[several] = partial(_several, opened, preset, at), aim
        if self.framework.card():
            resident = self.framework.resident(case.model, case.x)
            calls["bare forward, pictures on the card"] = resident
        differences = {}
        for peer in peers.prepared(self.framework.rivals, case):
            if peer.maps is None:
                yield (
                    {"kind": "missing", "of": "timing", "row": peer.name}
                    | facts
                    | {"reason": peer.reason}
                )
            else:
                calls[peer.name] = peer.maps
                differences[peer.name] = peers.difference(ours(case.layer), peer.maps())
        for row, pairs in timing.paired(bare, calls, self._plan()).items():
            yield (
                facts | _figures(row, pairs, goals.get(row)) | {"difference": differences.get(row)}
            )

    def _as_they_come(self, case: peers.Case, opened: Any) -> Iterator[Record]:
        """Pictures whose channels lie last in memory, as loops over files make them."""
        x = np.ascontiguousarray(case.x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        calls: dict[str, timing.Call] = {
            STRIDED: lambda: xh.maps(opened, x, layer=case.layer, target=case.target)
        }
        pairs = timing.paired(self.framework.bare(case.model, x), calls, self._plan())[STRIDED]
        facts = {"batch": len(x), "layer": case.layer, "difference": None}
        yield facts | _figures(STRIDED, pairs, AS_THEY_COME)

    def _of_the_head(self, case: peers.Case, opened: Any, bare: timing.Call) -> Iterator[Record]:
        """Methods that run what lies behind the layer."""

        def mapped(method: str) -> object:
            options = {"steps": 16} if method == "integrated" else None
            asked = {"layer": case.layer, "target": case.target, "options": options}
            return xh.maps(opened, case.x, method=method, **asked)

        calls: dict[str, timing.Call] = {
            f"{OURS}, {method}": partial(mapped, method) for method in OF_THE_HEAD
        }
        found = timing.paired(bare, calls, self._plan())
        for method, (row, pairs) in zip(OF_THE_HEAD, found.items(), strict=True):
            facts = {"batch": len(case.x), "layer": case.layer, "difference": None}
            yield facts | _figures(row, pairs, OF_THE_HEAD[method])

    def _replayed(self, model: Any, opened: Any) -> Iterator[Record]:
        """16 activations from the last stage on, beside whole forward passes of 16 and of 1."""
        x = self._batch("resnet50", 1)
        channels_first = np.moveaxis(x, -1, 1) if self.framework.channels_last else x
        layer = opened.survey(channels_first.shape[1:]).auto
        recording = opened.record(channels_first, [layer])
        activation = recording.activations[layer]
        noise = np.random.default_rng(0).uniform(size=(REPLAYED, *activation.shape[1:]))
        activations = activation * noise.astype(np.float32)

        def replay() -> object:
            return recording.replay(layer, activations, row=0).scores

        for count in (REPLAYED, 1):
            bare = self.framework.bare(model, self._batch("resnet50", count))
            row = f"replay of {REPLAYED} ÷ forward of {count}"
            goal = REPLAY if count == REPLAYED else None
            pairs = timing.paired(bare, {row: replay}, self._plan())[row]
            yield {"kind": "replay", "batch": count, "layer": layer} | _figures(row, pairs, goal)


def _several(opened: Any, preset: Any, layers: str) -> object:
    """From a picture of the network's own size to the maps of its likeliest classes."""
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    likeliest = [xh.top(rank) for rank in range(1, TARGETS + 1)]
    return xh.compare(opened, picture, layers=layers, targets=likeliest, preprocess=preset)


def _figures(row: str, pairs: timing.Pairs, goal: float | None) -> Record:
    return {
        "row": row,
        "best": pairs.best,
        "best_bare": pairs.best_bare,
        "best_ratio": pairs.best_ratio,
        "median_ratio": pairs.median_ratio,
        "rounds": len(pairs.seconds),
        "goal": goal,
    }


def resident_megabytes() -> float:
    """Memory that this process occupies now."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
