"""Answers as packets: each map with where it lies, what it is worth, and what it came from."""

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from xai_heatmap.core.boxes.every import found_in
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Refusal
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.upright import seen_of, upright
from xai_heatmap.runners.looking.packet import Payload, packet
from xai_heatmap.runners.looking.pictures import Picture
from xai_heatmap.runners.looking.watched import Watch

LEVELS = {"ok": "good", "cancelled": "warning", "dead_gradient": "warning"}
"""How bad a verdict is; others are worth a note."""

LEAST = 0.25
"""Probability from which on a box of a detector is shown."""


def packed_answer(
    picture: Picture,
    question: Question,
    cells: Sequence[Explanation | Refusal],
    passes: Watch,
    started: float,
    said: Mapping[str, object] = MappingProxyType({}),
    *,
    shown: bytes = b"",
) -> bytes:
    """The answer as bytes; `said` stands in the header too, and may be more than the question;
    `shown` is a picture's file that stands behind the maps.
    """
    payload = Payload()
    target = question.target
    first = next((one for one in cells if isinstance(one, Explanation)), None)
    header: dict[str, object] = {
        "picture": picture.key,
        "method": cells[0].method if cells else "",
        "target": {
            "words": target.label,
            "index": target.index,
            "score": question.score,
            "label": _label(question),
            "probability": first.probability if first else None,
            "box": target.detection.number if target.detection else None,
        },
        "predictions": [vars(one) for one in question.predictions],
        "boxes": boxes(question),
        "maps": told_of(cells, picture, payload),
        "seconds": time.perf_counter() - started,
        "passes": passes.forward,
        "backward_passes": passes.backward,
        "forward_ms": passes.first * 1e3,
        **said,
    }
    if shown:
        header["frame"] = payload.attach(shown)
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


def told_of(
    cells: Sequence[Explanation | Refusal], picture: Picture, payload: Payload
) -> list[dict[str, object]]:
    """Facts of every map, in order; layers whose output is the same array share its bytes."""
    known: dict[tuple[object, ...], dict[str, object]] = {}
    told = list[dict[str, object]]()
    for cell in cells:
        if isinstance(cell, Refusal):
            told.append(cell_facts(cell, picture, payload))
            continue
        key = id(cell.map), cell.method, cell.target, id(cell.verdict)
        if key not in known:
            known[key] = cell_facts(cell, picture, payload)
        told.append({**known[key], "layer": cell.layer.name})
    return told


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
    drawn, box = upright(cell)
    return {
        "layer": cell.layer.name,
        "method": cell.method,
        "target": {"words": cell.target, "index": cell.index, "score": cell.score},
        "shape": list(drawn.shape),
        **payload.add(drawn),
        "signed": cell.signed,
        "box": box if over else None,
        "seen": seen_of(cell) if over else None,
        "verdict": {
            "kind": cell.verdict.word,
            "words": cell.verdict.because,
            "level": LEVELS.get(cell.verdict.word, "note"),
            "figures": dict(cell.verdict.figures),
        },
        "notes": list(cell.notes),
    }
