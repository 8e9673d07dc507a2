"""Comparisons: methods, layers and targets of one picture in one packet, from one forward pass."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.registry import find_method
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.looking.asked import ALL, AUTO, Asked, words
from xai_heatmap.runners.looking.look import Cell, at_work, cells_of, layers_of, prepared
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Picture
from xai_heatmap.runners.looking.telling import packed_answer
from xai_heatmap.runners.looking.watched import Watch

CELLS = 400
"""Maps of a comparison, at most."""


@dataclass(frozen=True)
class Compared:
    """A comparison as a page asks for it: every method at every layer for every target."""

    methods: tuple[str, ...]
    layers: tuple[str, ...] = (AUTO,)
    targets: tuple[str, ...] = ("",)
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Compared":
        """The comparison in a page's words.

        Raises
        ------
        BadOption
            For what is none.
        """
        given: Any = said.get("options") or {}
        if not isinstance(given, dict):
            raise BadOption('options are those of each method: {"rise": {"samples": 500}}.')
        own = {name: Asked.of({"options": one}).options for name, one in given.items()}
        methods = words(said, "methods") or ("gradcam",)
        for name in (*methods, *own):
            find_method(name)
        return cls(
            methods,
            words(said, "layers") or (AUTO,),
            words(said, "targets") or ("",),
            tuple(sorted(own.items())),
        )


def comparison(
    model: Model,
    picture: Picture,
    compared: Compared,
    *,
    watch: Watch,
    begin: Callable[[str], None],
) -> bytes:
    """The packet of a comparison: maps by target, then method, then layer.

    Raises
    ------
    XaiHeatmapError
        As `look`; a method that refuses a layer stands in the packet with its reason.
    """
    started = time.perf_counter()
    given = dict(compared.options)
    asked = [Asked(target=one) for one in compared.targets]
    with at_work(model, watch) as passes:
        options = {name: Asked(options=given.get(name, "{}")).taken for name in compared.methods}
        targets = [one.choice(model.names) for one in asked]
        grid = Grid(model.network, prepared(model, picture), targets, options, model.labels)
        cells = list[Cell]()
        survey = model.network.survey(grid.given.x.shape)
        every = [
            layers_of(Asked(layers=compared.layers), find_method(name), survey)
            for name in compared.methods
        ]
        number = sum(map(len, every)) * len(targets)
        if number > CELLS:
            raise BadOption(
                f"A comparison has at most {CELLS} maps; this one has {number}. Leave out layers, "
                f"methods or targets{' (layers=auto)' if compared.layers == (ALL,) else ''}."
            )
        grid.opened(compared.methods, list(dict.fromkeys(name for one in every for name in one)))
        for name, layers in zip(compared.methods, every, strict=True):
            begin(name)
            cells += cells_of(grid, [name], layers)
        question = grid.opened([compared.methods[0]], every[0])[0]
    said = {"model": model.key, "methods": list(compared.methods)}
    return packed_answer(picture, question, cells, passes, started, said)
