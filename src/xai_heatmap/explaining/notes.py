"""Notes for the reader of a map, in sentences."""

from collections.abc import Iterator
from typing import Any

from xai_heatmap.core.boxes.detections import Detection
from xai_heatmap.core.counted import counted
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import Layer
from xai_heatmap.core.targets.answer import ROW, Form, Meaning
from xai_heatmap.core.tested import Tested
from xai_heatmap.core.verdict import Verdict

FAR = 0.5
"""A box that overlaps the one asked for by less is worth a word."""

OF_MEANINGS: dict[Meaning, str] = {
    "log-probabilities": "The model answers probabilities, and the softmax that makes them could "
    "not be left out; their logarithm is explained instead of the logit.",
    "values": "The output is a value and no class: the map shows what raises it, and what lowers "
    "it where the method is signed or the target is negative.",
    "log-odds": "The model answers probabilities; the logit that a sigmoid made them from is "
    "explained, log p - log(1 - p).",
}

CLOSED = "The model's output is explained as it stands, after its closing function."


def of_what_was_seen(geometry: Geometry | None) -> Iterator[str]:
    """Note on how much of the picture the network saw, where that is not all."""
    if geometry is None or geometry.share == 1:
        return
    left, top, right, bottom = geometry.seen
    rows, columns = geometry.image_size
    share = min(round(100 * geometry.share), 99)  # never "100 %" of what was cut
    yield (
        f"The network saw {share} % of the picture, its columns {left} to {right} of {columns} "
        f"and rows {top} to {bottom} of {rows}; the rest was cropped away and is drawn dimmed. "
        "The fit 'stretch' or 'letterbox' shows it all."
    )


def of_its_place(layer: Layer) -> Iterator[str]:
    """Note on a layer whose cells could not be followed from the input, and may lie elsewhere."""
    if not layer.placed and layer.places > 1:
        grid = "x".join(map(str, layer.grid or ()))
        yield (
            f"Where the {grid} cells of {layer.name} lie on the input could not be followed "
            "through the network; they are drawn from one end to the other, and may lie off by a "
            "cell. xai-heatmap audit measures it."
        )


def of_the_scores(meaning: Meaning, form: Form, detection: Detection | None) -> Iterator[str]:
    """Notes on the number that is explained, and on its places or boxes."""
    if meaning in OF_MEANINGS:
        yield OF_MEANINGS[meaning]
    if form.boxes is not None:
        yield from _of_boxes(form, detection)
    elif form != ROW:
        places = "x".join(map(str, form.grid))
        yield (
            f"The network scores every class at {places} places; predictions are shares of "
            "them, and a class without a region is explained where it wins."
        )
    if meaning == "probabilities":
        yield CLOSED


def of_the_class(target: str, found: tuple[float, int] | None, classes: int) -> Iterator[str]:
    """Note on a class that was asked for and that the network does not see in the picture."""
    if found is not None:
        likely, place = found
        yield (
            f"The network does not see {target} here: its probability is {likely:.2g}, place "
            f"{place} of {classes}. The map shows what speaks for it all the same, however little."
        )


def of_the_map(verdict: Verdict) -> Iterator[str]:
    """Notes on the map's worth, and the method's own figures."""
    if verdict.word != "ok":
        yield str(verdict)
    figures = [
        f"{name} unknown" if figure is None else f"{name} {figure:.3g}"
        for name, figure in verdict.figures.items()
    ]
    if figures:
        yield ", ".join(figures) + "."


def of_the_test(tested: Tested | None) -> Iterator[str]:
    """Note on what the map predicts of the explained number, where that was tested."""
    if tested is not None:
        yield str(tested)


def of_the_guard(instead: Any) -> Iterator[str]:
    """Note on the map that stands beside one that failed its test."""
    if instead is None:
        return
    if instead.tested is None or instead.tested.passed:
        yield (
            f"This map failed its test, so that {instead.method} at {instead.layer.name}, which "
            "is taken where nobody says another, is shown beside it."
        )
    else:
        yield (
            f"This map failed its test, and so did {instead.method} at {instead.layer.name}, which "
            f"is shown beside it: {instead.tested.short}."
        )


def _of_boxes(form: Form, found: Detection | None) -> Iterator[str]:
    """Notes on a detector's answer, and on how far its box is from the one asked for."""
    if found is None:
        return
    yield (
        f"Of the detector's {counted(form.places, 'box')}, number {found.query} is explained, "
        f"{found.label} with probability {found.probability:.3f}; the outline is that box."
    )
    if form.boxes is not None and form.boxes.objectness and not form.boxes.told:
        yield (
            "Boxes are rows, so that their fifth number is read as objectness and the sixth as "
            "class 0. If the fifth is class 0: answers=xai_heatmap.Boxes(objectness=False)."
        )
    if found.dropped:
        yield f"It is no detection: {found.dropped}."
    if found.overlap is not None and found.overlap < FAR:
        yield (
            f"It overlaps the box that was asked for by {found.overlap:.0%} only; none is nearer."
        )
