"""Layout of many methods at many layers as pages that can be read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.counted import counted
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Cell, GridRow, Refusal
from xai_heatmap.render.matrix import Block, Strip, Tile, fitted, matrix
from xai_heatmap.render.page import Picture

ROWS, COLUMNS = 12, 8
"""Most rows and columns of a page: what is read without scrolling sideways, and hardly
downwards."""

WIDE, TALL = 1400, 1900
"""Pixels for the tiles of a page."""

LARGEST, SMALLEST = 260, 136
"""Width of a tile; a verdict has room below the smallest."""

FINER = 2
"""Pixels that a map is drawn on for one pixel of a tile; a large photograph would take seconds
each."""

BELOW = 28
"""A tile's caption and the gap to the next."""


@dataclass(frozen=True)
class _Row:
    columns: range
    target: str
    line: GridRow


def drawn(
    first: Explanation,
    methods: Sequence[str],
    told: Mapping[str, Sequence[GridRow]],
    draw: Callable[[Explanation], Image],
    *,
    left_out: int = 0,
) -> Iterator[Image]:
    """The pages, one after the other.

    Parameters
    ----------
    first
        The picture with what the network says of it.
    methods, told
        The columns, and by target the rows.
    draw
        How one map is drawn.
    left_out
        How many layers were too many.
    """
    starts = range(0, len(methods), COLUMNS)
    rows = [
        _Row(range(start, min(start + COLUMNS, len(methods))), target, line)
        for start in starts
        for target, lines in told.items()
        for line in lines
    ]
    across = min(len(methods), COLUMNS)
    aspect = first.image.shape[0] / first.image.shape[1]
    tall = (TALL / min(len(rows), ROWS) - BELOW) / aspect
    width = max(SMALLEST, min(LARGEST, WIDE // across, int(tall)))
    deep = min(ROWS, max(1, TALL // (round(width * aspect) + BELOW)))
    count = -(-len(rows) // deep)

    def small(one: Explanation) -> Image:
        return drawn_small(one, draw, width=FINER * width)

    for page in range(count):
        blocks: dict[range, list[Strip]] = {}
        for row in rows[page * deep : (page + 1) * deep]:
            tiles = [_tile(row.line.cells[column], row.line, small) for column in row.columns]
            about = _about(row.line, row.target if len(told) > 1 else "")
            blocks.setdefault(row.columns, []).append(Strip(row.line.layer, about, tiles))
        facts = _facts(first, told, left_out)
        if count > 1:
            facts.append(f"page {page + 1} of {count}")
        yield matrix(
            first.image,
            first.name,
            facts,
            [Block([methods[i] for i in columns], strips) for columns, strips in blocks.items()],
            width=width,
        )


def drawn_small(one: Explanation, draw: Callable[[Explanation], Image], *, width: int) -> Image:
    """The explanation drawn on its picture no wider than that; a large photograph takes seconds."""
    if one.geometry is None:
        return draw(one)
    image = _smaller(one.image, width)
    return draw(replace(one, image=image, geometry=one.geometry.at(image.shape[:2])))


def _smaller(image: Picture, width: int) -> Picture:
    """The picture no wider than that."""
    if image.shape[1] <= width:
        return image
    whole = PIL.Image.fromarray(image)
    return np.array(whole.resize(fitted(image, width), PIL.Image.Resampling.LANCZOS))


def _facts(first: Explanation, told: Mapping[str, Sequence[GridRow]], left_out: int) -> list[str]:
    likely = first.predictions[0]
    facts = [f"{first.network} says {likely.label}, {likely.probability:.3f}"]
    if len(told) == 1:
        facts.append(f"explained: {first.target}, score {first.score:.4g}")
    if left_out:
        shown = sum(1 + len(line.same) for line in next(iter(told.values())))
        facts.append(f"{shown} of {counted(shown + left_out, 'layer')}")
    return [*facts, "each map to its own strongest place; beyond 32x32 to the 99th percentile"]


def _about(line: GridRow, target: str) -> list[str]:
    """The target, the layer that `auto` is, its shape, and the layers that share the row."""
    layers = {cell.layer.name: cell.layer for cell in line.cells if isinstance(cell, Explanation)}
    about = [target] if target else []
    about += [name for name in layers if name != line.layer]
    if len(layers) == 1:
        about += ["x".join(map(str, layer.shape)) for layer in layers.values()]
    return about + [f"= {name}" for name in line.same]


def _tile(cell: Cell, line: GridRow, draw: Callable[[Explanation], Image]) -> Tile:
    if isinstance(cell, Refusal):
        words = str(cell.error)
        return Tile(None, f"refused, {cell.error.code}", alarming=True, words=words)
    layers = {one.layer.name for one in line.cells if isinstance(one, Explanation)}
    where = f"{cell.layer.name}: " if len(layers) > 1 else ""
    word = cell.verdict.word
    if cell.tested is not None and word == "ok":
        return Tile(draw(cell), where + cell.tested.short, alarming=not cell.tested.passed)
    return Tile(draw(cell), where + word.replace("_", " "), alarming=word != "ok")
