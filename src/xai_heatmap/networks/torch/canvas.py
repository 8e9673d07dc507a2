"""Pictures as models that answer in words take them, laid back on one canvas: tiles side by side,
flattened patches in rows.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NotAModel

Processed = Mapping[str, Any]
"""What a processor makes of pictures and words."""

Process = Callable[[np.ndarray], Processed]
"""Processor of photographs, uint8 (H, W, 3), with the words left as they are."""

Size = tuple[int, int]
"""Rows and columns."""

Seen = tuple[slice, slice]
"""Rows and columns of a canvas that show the photograph."""

NO_TOKEN = -1
"""Stand-in for the token of a cell that none shows: of what was padded."""


@dataclass(frozen=True)
class Canvas:
    """One picture as the network's input, (3, H, W), and where the tokens of it lie.

    Parameters
    ----------
    join
        From a model's ``pixel_values`` of one photograph to the canvas.
    split
        From canvases (n, 3, H, W) to ``pixel_values`` of n photographs.
    views
        Of each way that the picture is shown in, the whole or its tiles, which of the picture's
        tokens shows each cell of a grid, or `NO_TOKEN`; all of one shape (rows, columns).
    repeated
        Names of what the processor answers for each photograph beside its pixels.
    """

    join: Callable[[torch.Tensor], torch.Tensor]
    split: Callable[[torch.Tensor], torch.Tensor]
    views: Sequence[np.ndarray]
    repeated: Sequence[str] = field(default=())


def canvas_of(given: Processed, process: Process, model: Any, *, tokens: int, size: Size) -> Canvas:
    """Canvas of a photograph that a processor has prepared.

    Parameters
    ----------
    given
        What the processor answered.
    process
        The processor, to be asked how other pictures lie in its answer.
    model
        Of transformers.
    tokens, size
        Number of tokens that stand for the picture, and rows and columns of the photograph.

    Raises
    ------
    NotAModel
        For pixels in a form that is not known.
    """
    pixels = given["pixel_values"]
    if "image_grid_thw" in given:
        return _of_patches(given, model, tokens)
    if pixels.ndim == 4 and len(pixels) == 1:
        rows, columns = _grid(tokens, pixels.shape[-2:])
        whole = np.arange(tokens).reshape(rows, columns)
        return Canvas(lambda own: own[0], lambda x: x, [whole])
    if pixels.ndim == 5 and len(pixels) == 1:
        return _of_tiles_of(pixels[0], given, process, model, tokens=tokens, size=size)
    raise NotAModel(
        f"Pixels of one picture (1, 3, H, W), its tiles (1, tiles, 3, h, w) or its patches with "
        f"image_grid_thw were expected; the processor answered {tuple(pixels.shape)} and "
        f"{', '.join(given)}. Of such a model wrap the picture's way yourself, and explain "
        "xai_heatmap.network(wrapped) with xai_heatmap.step(TOKEN, STEP)."
    )


def _of_tiles_of(
    tiles: torch.Tensor, given: Processed, process: Process, model: Any, *, tokens: int, size: Size
) -> Canvas:
    """Canvas of tiles, whose tokens stand in one of two orders."""
    high, wide = tiles.shape[-2:]
    if "image_sizes" in given:
        p = int(model.config.vision_config.patch_size)
        return _of_tiles(tiles, process, _unpadded(tokens, (high // p, wide // p), size), size)
    if len(tiles) == 1:
        grid = np.arange(tokens).reshape(_grid(tokens, (high, wide)))
        return Canvas(lambda own: own[0, 0], lambda x: x[:, None], [grid])
    return _of_tiles(tiles, process, _tile_by_tile(tokens, len(tiles), (high, wide)), size)


def _grid(tokens: int, size: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of so many tokens over a picture of that size."""
    rows = round(math.sqrt(tokens * size[0] / size[1]))
    if not rows or tokens % rows:
        raise NotAModel(
            f"The picture's {counted(tokens, 'token fills no', 'tokens fill no')} grid "
            f"over {size[0]}x{size[1]} pixels, so where "
            "each lies is not known."
        )
    return rows, tokens // rows


def _of_patches(given: Processed, model: Any, tokens: int) -> Canvas:
    """Flattened patches, as Qwen2-VL takes them: (frames, rows/m, columns/m, m, m) of (channels,
    frames, p, p).
    """
    frames, high, wide = (int(one) for one in given["image_grid_thw"][0])
    eyes: Any = model.config.vision_config
    p, m = int(eyes.patch_size), int(eyes.spatial_merge_size)
    twice = int(getattr(eyes, "temporal_patch_size", 1))
    if frames != 1 or len(given["image_grid_thw"]) != 1 or tokens * m * m != high * wide:
        raise BadOption(
            f"One picture was expected; the processor answered {counted(frames, 'frame')} "
            f"and {counted(tokens, 'token')} "
            f"for {high}x{wide} patches. Explain a video frame by frame."
        )

    def join(flat: torch.Tensor) -> torch.Tensor:
        own = flat.reshape(high // m, wide // m, m, m, -1, twice, p, p)[:, :, :, :, :, 0]
        return own.permute(4, 0, 2, 5, 1, 3, 6).reshape(-1, high * p, wide * p)

    def split(x: torch.Tensor) -> torch.Tensor:
        own = x.reshape(len(x), -1, high // m, m, p, wide // m, m, p)
        own = own.permute(0, 2, 5, 3, 6, 1, 4, 7).unsqueeze(6)
        return own.expand(*[-1] * 6, twice, -1, -1).reshape(len(x) * high * wide, -1)

    grid = np.arange(tokens).reshape(high // m, wide // m)
    return Canvas(join, split, [grid], repeated=("image_grid_thw",))


def _of_tiles(tiles: torch.Tensor, process: Process, views: "Views", size: Size) -> Canvas:
    """Tiles in rows and columns, and the whole picture beside them, smaller."""
    number, _, high, wide = tiles.shape
    order, whole, seen = _places(process, size, number)
    rows, columns = seen
    kept, beginning = tiles[whole].detach(), _joined(tiles, order)

    def smaller(x: torch.Tensor) -> torch.Tensor:
        return _smaller(x[:, :, rows, columns], (high, wide))

    def join(own: torch.Tensor) -> torch.Tensor:
        return _joined(own[0], order)

    def split(x: torch.Tensor) -> torch.Tensor:
        found: list[Any] = [None] * number
        found[whole] = kept.to(x) + smaller(x) - smaller(beginning[None].to(x))
        for (row, column), one in np.ndenumerate(order):
            found[int(one)] = x[
                :, :, row * high : (row + 1) * high, column * wide : (column + 1) * wide
            ]
        return torch.stack(found, 1)

    return Canvas(join, split, views(order, whole))


Views = Callable[[np.ndarray, int], Sequence[np.ndarray]]
"""From the numbers of the tiles in rows and columns, and that of the whole, to the views."""


def _tile_by_tile(tokens: int, number: int, tile: Size) -> Views:
    """Views where the tokens of each tile follow each other, as in Idefics 3."""
    if tokens % number:
        raise NotAModel(
            f"The picture has {counted(tokens, 'token')} for {counted(number, 'tile')}, so "
            "which belong to a tile is not "
            "known."
        )
    per_tile = tokens // number
    inner = np.arange(per_tile).reshape(_grid(per_tile, tile))

    def views(order: np.ndarray, whole: int) -> Sequence[np.ndarray]:
        fine = np.block([[inner + per_tile * int(one) for one in row] for row in order])
        return [fine, np.kron(inner + per_tile * whole, np.ones(order.shape, int))]

    return views


def _unpadded(tokens: int, tile: Size, size: Size) -> Views:
    """Views where the whole comes first, and then the rows of all tiles together, without what was
    padded and with one more token at the end of each, as in LLaVA-NeXT.

    Parameters
    ----------
    tile
        Rows and columns of tokens in a tile.
    """

    def views(order: np.ndarray, _: int) -> Sequence[np.ndarray]:
        grid = (order.shape[0] * tile[0], order.shape[1] * tile[1])
        fine = tokens - tile[0] * tile[1]
        flat = size[1] / size[0] > grid[1] / grid[0]
        rows = fine // (grid[1] + 1) if flat else grid[0]
        columns = grid[1] if flat else fine // grid[0] - 1
        if rows * (columns + 1) != fine or rows > grid[0] or columns > grid[1]:
            raise NotAModel(
                f"The picture's {counted(tokens, 'token fills no', 'tokens fill no')} rows "
                f"over {grid[0]}x{grid[1]} places, so "
                "where each lies is not known."
            )
        within = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
        sides = zip((rows, columns), tile, strict=True)
        i, j = ((np.arange(own) + 0.5) / own * of for own, of in sides)
        small = i.astype(int)[:, None] * tile[1] + j.astype(int)
        before = (grid[0] - rows) // 2, (grid[1] - columns) // 2
        edges = [(b, side - b - own) for b, side, own in
                 zip(before, grid, (rows, columns), strict=True)]  # fmt: skip
        return [np.pad(own, edges, constant_values=NO_TOKEN)
                for own in (within + tile[0] * tile[1], small)]  # fmt: skip

    return views


def _joined(tiles: torch.Tensor, order: np.ndarray) -> torch.Tensor:
    return torch.cat([torch.cat([tiles[int(i)] for i in row], -1) for row in order], -2)


def _smaller(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(
        x.float(), size=size, mode="bilinear", antialias=True, align_corners=False
    ).to(x.dtype)


def _places(process: Process, size: Size, number: int) -> tuple[np.ndarray, int, Seen]:
    """Numbers of the tiles in their rows and columns, the number of the tile that shows the whole,
    and the part of all tiles together that is the photograph, told by how a picture that brightens
    to the right, and one that brightens downwards, look in each.
    """
    right, down = (_ramp(process, size, axis) for axis in (1, 0))
    if len(right) != number:
        raise NotAModel("The processor makes another number of tiles of another picture.")
    spread = np.nanstd(right, axis=(1, 2, 3)) * np.nanstd(down, axis=(1, 2, 3))
    whole = int(np.argmax(np.round(spread, 2)))
    others = [i for i in range(number) if i != whole]
    x, y = (np.round(np.nanmean(own, axis=(1, 2, 3)), 2)[others] for own in (right, down))
    rows, columns = len(np.unique(y)), len(np.unique(x))
    if rows * columns != len(others):
        raise NotAModel(
            f"The processor's {counted(len(others), 'tile fills no', 'tiles fill no')} "
            "grid, so none can be laid."
        )
    order = np.array(others)[np.lexsort((x, y))].reshape(rows, columns)
    shown = np.block([[~np.isnan(right[i, 0]) for i in row] for row in order])
    seen = [np.flatnonzero(shown.any(axis)) for axis in (1, 0)]
    return order, whole, (slice(seen[0][0], seen[0][-1] + 1), slice(seen[1][0], seen[1][-1] + 1))


def _ramp(process: Process, size: Size, axis: int) -> np.ndarray:
    """Tiles (tiles, 3, h, w) of a picture that brightens along an axis, black 0 and white 1; NaN
    where no picture changes them.
    """
    line = np.expand_dims(np.linspace(0, 255, size[axis]), 1 - axis)
    pictures = [np.broadcast_to(own, size) for own in (line, np.zeros(size), np.full(size, 255))]
    ramp, black, white = (
        np.asarray(process(np.repeat(own[..., None], 3, 2).astype(np.uint8))["pixel_values"][0])
        for own in pictures
    )
    return (ramp - black) / np.where(white - black > 1e-6, white - black, np.nan)
