"""Many pictures, one after the other: lists, folders, loaders and data sets."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.errors import BadArray, ImageNotFound, InputError, XaiHeatmapError
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.sources.files import SUFFIXES, is_picture

KEYS = ("image", "pixel_values", "img", "picture", "x", "input", "inputs")
"""Names of the picture in a row of a data set, most telling first."""


class Explanations(Iterator[Explanation]):
    """Explanations of many pictures, in their order, each made when it is asked for.

    A picture that can't be explained raises its error at its place, and the next one follows when
    the iterator is asked again: nothing else is lost. `going_on` does that by itself. What can be
    gone through again, such as a list, a folder or a loader, is explained anew by every loop.
    """

    def __init__(self, given: Any, explain: Callable[[Any], Explanation]) -> None:
        self._given = given
        self._pictures = pictures_in(given)
        self._explain = explain

    def __iter__(self) -> "Explanations":
        return self if isinstance(self._given, Iterator) else type(self)(self._given, self._explain)

    def __next__(self) -> Explanation:
        picture = next(self._pictures)
        if isinstance(picture, XaiHeatmapError):
            raise picture
        return self._explain(picture)

    def going_on(self, refused: list[tuple[int, XaiHeatmapError]]) -> Iterator[Explanation]:
        """The explanations that can be made; of the others, the place in the order and the error
        are put into `refused`.
        """
        place = 0
        while True:
            try:
                yield next(self)
            except StopIteration:
                return
            except XaiHeatmapError as error:
                refused.append((place, error))
            place += 1


def is_many(given: Any) -> bool:
    """Whether the input is several pictures: a folder, a list, an iterator, a loader, or paths."""
    if isinstance(given, str | os.PathLike):
        return os.path.isdir(given)  # noqa: PTH112 - asked of every picture
    if isinstance(given, bytes | bytearray | Mapping):
        return False
    if isinstance(given, list | tuple | Iterator):
        return True
    if _is_array(given):
        kind = getattr(getattr(given, "dtype", None), "kind", "")
        return kind in ("U", "O") and len(given.shape) == 1  # of paths
    return _is_loader(given)


def check_given(given: Any) -> None:
    """Refuse one row of a data set, which holds more than a picture.

    Raises
    ------
    BadArray
        For a mapping such as ``{"pixel_values": x}``, and for a picture with its class,
        ``(x, label)``. Lists of rows are many pictures, and are not refused.
    """
    if isinstance(given, Mapping):
        key = next((key for key in KEYS if key in given), None) or next(iter(given), "KEY")
        raise BadArray(
            f"A {type(given).__name__} of {', '.join(map(repr, given)) or 'nothing'} is no picture"
            f". Give what is in it, row[{key!r}]; where a processor prepared that already, with "
            'preprocess="ready".'
        )
    if not isinstance(given, list | tuple) or len(given) < 2:
        return
    first = as_numpy(given[0]) if _is_array(given[0]) else None
    if (first is None or first.ndim > 1) and any(map(_is_class, given[1:])):
        raise BadArray(
            "That is a picture with its class beside it, as a row of a data set or a batch of a "
            "loader holds them. Give the picture alone, row[0], and target= for the class; or the "
            "data set or the loader itself, which is gone through."
        )


def _is_class(given: Any) -> bool:
    """Whether it is the number of a class, or those of a batch, and so no picture."""
    if isinstance(given, int | float):
        return True
    numbers = as_numpy(given) if _is_array(given) else None
    return numbers is not None and (
        numbers.ndim == 0 or (numbers.ndim == 1 and numbers.dtype.kind in "iu")
    )


def pictures_in(given: Any) -> Iterator[Any]:
    """The pictures, one at a time; the rows of a batch too. In place of one that can't be had is
    the error, so that those behind it are not lost.

    Raises
    ------
    BadArray, ImageNotFound
        For none at all.
    """
    if isinstance(given, str | os.PathLike):
        yield from _files(Path(given))
        return
    if isinstance(given, Sequence) and not len(given):
        raise BadArray("The list of pictures is empty. Give at least one, or a folder of them.")
    for element in _each(given):
        try:
            yield from _rows(picture_of(element))
        except XaiHeatmapError as error:
            yield error


def _is_array(given: Any) -> bool:
    return hasattr(given, "shape") and hasattr(given, "dtype")


def _is_loader(given: Any) -> bool:
    if hasattr(given, "mode") and hasattr(given, "getpixel"):
        return False  # a Pillow image
    return hasattr(given, "__iter__") or (
        hasattr(given, "__getitem__") and hasattr(given, "__len__")
    )


def _each(given: Any) -> Iterator[Any]:
    if hasattr(given, "__iter__"):
        yield from given
        return
    for place in range(len(given)):
        try:
            yield given[place]
        except Exception as problem:  # noqa: BLE001 - whatever a data set raises for one row
            yield InputError(
                f"Row {place} of {type(given).__name__} can't be had: {type(problem).__name__}: "
                f"{problem}. Check that row; the others follow."
            )


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if is_picture(path.name))
    if not found:
        raise ImageNotFound(
            f"There is no picture in the folder {str(folder)!r}; files that end in "
            f"{', '.join(SUFFIXES)} are, and folders in it are left out."
        )
    return found


def picture_of(element: Any) -> Any:
    """The picture in an element of a data set, which may carry its class beside it."""
    if isinstance(element, XaiHeatmapError):
        raise element
    if isinstance(element, Mapping):
        key = next((key for key in KEYS if key in element), None)
        if key is None:
            raise InputError(
                f"A row of the data set holds {', '.join(map(str, element))}, and none of these is "
                f"known as the picture ({', '.join(KEYS)}). Pick it: "
                "xai_heatmap.explain(network, (row[KEY] for row in data))."
            )
        return element[key]
    if isinstance(element, tuple | list) and element:
        return element[0]
    return element


def _rows(picture: Any) -> Iterator[Any]:
    """A batch row by row; what is one picture as it is."""
    numbers = as_numpy(picture) if _is_array(picture) else None
    if numbers is None or numbers.ndim != 4 or len(numbers) == 1:
        yield picture
        return
    torch_like = hasattr(picture, "detach")
    for place in range(len(numbers)):
        yield picture[place] if torch_like else np.asarray(numbers[place])[None]
