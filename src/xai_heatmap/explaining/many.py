"""Many pictures, one after the other: lists, folders, loaders and data sets."""

import itertools
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
    found = False
    for element in _each(given):
        try:
            for picture in _rows(picture_of(element)):
                found = True
                yield picture
        except XaiHeatmapError as error:
            found = True
            yield error
    if not found:
        raise BadArray(_nothing(given))


def _nothing(given: Any) -> str:
    """Message about a list, a generator or a data set that held no picture at all."""
    if isinstance(given, Iterator):
        return (
            f"The {type(given).__name__} of pictures gave none: it was empty, or gone through "
            "before, which is possible once. Make it again, or give a list."
        )
    kind = "list" if isinstance(given, Sequence) else type(given).__name__
    return f"The {kind} of pictures is empty. Give at least one, or a folder of them."


def _is_array(given: Any) -> bool:
    return hasattr(given, "shape") and hasattr(given, "dtype")


def _is_loader(given: Any) -> bool:
    if hasattr(given, "mode") and hasattr(given, "getpixel"):
        return False  # a Pillow image
    own = type(given)  # an instance's: what a class is asked for in brackets is no picture
    return hasattr(own, "__iter__") or hasattr(own, "__getitem__")


def _each(given: Any) -> Iterator[Any]:
    """Elements in order; those of a data set that is asked by number alone, as Python asks such a
    one: from 0 to its length, or to its IndexError where it has none.
    """
    if hasattr(given, "__iter__"):
        yield from given
        return
    length = _length(given)
    for place in itertools.count() if length is None else range(length):
        try:
            element = given[place]
        except IndexError as problem:
            if length is None:
                return
            element = _absent(given, place, problem, "the others follow.")
        except Exception as problem:  # noqa: BLE001 - whatever a data set raises for one row
            known = length is not None
            end = "the others follow." if known else "without __len__ none behind it is tried."
            element = _absent(given, place, problem, end)
            if not known:
                yield element
                return
        yield element


def _length(given: Any) -> int | None:
    try:
        return len(given)
    except Exception:  # noqa: BLE001 - a data set may have the method and no answer
        return None


def _absent(given: Any, place: int, problem: Exception, end: str) -> InputError:
    return InputError(
        f"Row {place} of {type(given).__name__} can't be had: {type(problem).__name__}: "
        f"{problem}. Check that row; {end}"
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
