"""A look: one question about one picture, answered at many layers from one forward pass."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xai_heatmap.core.boxes.every import found_in
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.registry import find_method
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Refusal, Refusing, grid_rows
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.request import usual_method
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.looking.asked import ALL, AUTO, Asked
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import Payload, packet
from xai_heatmap.runners.looking.pictures import Picture
from xai_heatmap.runners.looking.watched import Watch, watching

LEVELS = {"ok": "good", "cancelled": "warning", "dead_gradient": "warning"}
"""How bad a verdict is; others are worth a note."""

LEAST = 0.25
"""Probability from which on a box of a detector is shown."""


@dataclass(frozen=True)
class Answered:
    """Explanations and refusals, with the question that they answer."""

    question: Question
    cells: Sequence[Explanation | Refusal]


def look(model: Model, picture: Picture, asked: Asked, *, watch: Watch | None = None) -> bytes:
    """The packet that answers a question.

    Raises
    ------
    XaiHeatmapError
        For whatever concerns the picture, the question or the whole network; a layer that refuses
        alone stands in the packet with its reason.
    """
    begun = time.perf_counter()
    with watching(watch or Watch()) as passes, model.turns, running(model.opened.name):
        found = answered(model, picture, asked)
    return packed_answer(model, picture, asked, found, passes, begun)


def answered(model: Model, picture: Picture, asked: Asked) -> Answered:
    """Maps of one picture, at all layers that are asked for; in the model's turn."""
    grid = grid_of(model, picture, asked)
    (name,) = grid.options
    method = find_method(name)
    survey = model.network.survey(grid.given.x.shape)
    if asked.layers == (AUTO,):
        layers = [AUTO]
    elif asked.layers == (ALL,) and method.auto == "input":
        layers = ["input"]
    else:
        layers = select(survey, list(asked.layers), auto=method.auto)
    try:
        found = grid([0], [name], layers)
        cells: list[Explanation | Refusal] = list(found.values())
    except Refusing:
        (rows,) = grid_rows(grid, [name], layers)
        own = {at: row.cells[0] for row in rows for at in (row.layer, *row.same)}
        cells = [_named(own[at], at, survey.layers) for at in layers]
    return Answered(grid.opened([name], layers)[0], cells)


def _named(
    cell: Explanation | Refusal, at: str, layers: Mapping[str, Any]
) -> Explanation | Refusal:
    """A cell of a layer that gave the same values as another, under its own name."""
    if isinstance(cell, Refusal) or at not in layers:
        return cell
    return replace(cell, layer=layers[at])


def grid_of(model: Model, picture: Picture, asked: Asked) -> Grid:
    """The picture with all passes that were made of it, asked about this target."""
    choice = asked.choice(model.names)
    kept: Grid | None = model.kept.get(picture.key)
    given = kept.given if kept else prepared(model, picture)
    survey = model.network.survey(given.x.shape)
    name = find_method(asked.method or model.method or usual_method(model.opened, survey)).name
    options = {name: asked.taken}
    if kept is not None:
        return replace(kept.about([choice]), options=options)
    made = Grid(model.network, given, [choice], options, model.labels)
    model.kept.clear()  # one picture's passes are held, the last one's
    model.kept[picture.key] = made
    return made


def prepared(model: Model, picture: Picture) -> PreparedInput:
    """The picture as the network takes it."""
    found = prepare(picture.given, model.preprocess, model.opened, white=model.white)
    return replace(found, name=picture.name)


def packed_answer(
    model: Model, picture: Picture, asked: Asked, found: Answered, passes: Watch, begun: float
) -> bytes:
    """The answer as bytes."""
    payload = Payload()
    question = found.question
    target = question.target
    first = next((one for one in found.cells if isinstance(one, Explanation)), None)
    header: dict[str, object] = {
        "picture": picture.key,
        "model": model.key,
        "method": first.method if first else asked.method,
        "options": asked.taken,
        "target": {
            "words": target.label, "index": target.index, "score": question.score,
            "label": _label(question), "probability": first.probability if first else None,
            "box": target.detection.number if target.detection else None,
        },
        "predictions": [vars(one) for one in question.predictions],
        "boxes": boxes(question),
        "maps": [cell_facts(one, picture, payload) for one in found.cells],
        "seconds": time.perf_counter() - begun,
        "passes": passes.forward,
        "backward_passes": passes.backward,
        "forward_ms": passes.first * 1e3,
    }  # fmt: skip
    return packet(header, payload)


def _label(question: Question) -> str:
    target, own = question.target, question.answer
    return target.label if target.index is None else own.label(target.index)


def boxes(question: Question) -> list[dict[str, object]] | None:
    """Boxes that a detector found; None of any other network."""
    if question.answer.form.boxes is None:
        return None
    return [
        {"number": one.number, "box": one.box, "label": one.label, "index": one.index,
         "score": one.probability}
        for one in found_in(question.answer, LEAST)
    ]  # fmt: skip


def cell_facts(
    cell: Explanation | Refusal, picture: Picture, payload: Payload
) -> dict[str, object]:
    """A map's facts, with its values in the payload; or why there is none."""
    if isinstance(cell, Refusal):
        error: XaiHeatmapError = cell.error
        return {"layer": cell.layer, "method": cell.method,
                "error": {"code": error.code, "message": str(error)}}  # fmt: skip
    geometry = cell.geometry
    over = geometry is not None and geometry.image_size == picture.given.shape[:2]
    return {
        "layer": cell.layer.name,
        "method": cell.method,
        "shape": list(cell.map.shape),
        **payload.add(cell.map),
        "signed": cell.signed,
        "box": list(geometry.box) if geometry is not None and over else None,
        "matrix": list(geometry.matrix) if over and geometry and geometry.matrix else None,
        "verdict": {
            "kind": cell.verdict.word,
            "words": cell.verdict.because,
            "level": LEVELS.get(cell.verdict.word, "note"),
            "figures": dict(cell.verdict.figures),
        },
        "notes": list(cell.notes),
    }


def options_of(text: str) -> Mapping[str, object]:
    """Options out of JSON."""
    return json.loads(text)
