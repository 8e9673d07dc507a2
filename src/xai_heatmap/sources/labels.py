"""The names of the classes, out of a file, in output order."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.sources.files import opened

NAMES = ("name", "label", "class", "class_name", "category")
"""Headers of the column with the names, in the order they are looked for."""

INDICES = ("index", "id", "class_index", "class_id")
"""Headers of the column that says which output a name belongs to."""

_FORMS = (
    "It is .csv with the columns index,name (or name alone), .txt with one name a line, or .json "
    "with a list or an object from index to name."
)


def labels(path: Path) -> tuple[str, ...]:
    """The names in `path`, one for each output of the network.

    Raises
    ------
    BadOption
        For a file that is missing, not text, or without a name for every index from 0.
    """
    try:
        with opened(path) as file:
            text = file.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise BadOption(
            f"There is no file of labels {str(path)!r}. Check the path. {_FORMS}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadOption(f"The labels {str(path)!r} can't be read: {error}. {_FORMS}") from error
    read = {".csv": _from_csv, ".json": _from_json}.get(path.suffix.lower(), _from_lines)
    names = read(text, path)
    if not names:
        raise BadOption(f"The file of labels {str(path)!r} is empty. {_FORMS}")
    return names


def _from_lines(text: str, path: Path) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.rstrip().splitlines())


def _from_csv(text: str, path: Path) -> tuple[str, ...]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows:
        return ()
    header = [cell.strip().casefold() for cell in rows[0]]
    name = next((header.index(n) for n in NAMES if n in header), None)
    index = next((header.index(i) for i in INDICES if i in header), None)
    if name is not None:
        rows = rows[1:]
    elif len(rows[0]) == 1:
        name = 0
    elif len(rows[0]) == 2 and rows[0][0].strip().isdigit():
        index, name = 0, 1
    else:
        raise BadOption(
            f"The labels {str(path)!r} have no column called name; their first row is "
            f"{', '.join(rows[0])!r}. {_FORMS}"
        )
    try:
        cells = [row[name].strip() for row in rows]
        return tuple(cells) if index is None else _sorted({r[index]: r[name] for r in rows}, path)
    except IndexError:
        raise BadOption(
            f"A row of the labels {str(path)!r} is shorter than the first. {_FORMS}"
        ) from None


def _from_json(text: str, path: Path) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadOption(f"The labels {str(path)!r} are not JSON ({error}). {_FORMS}") from error
    if isinstance(found, Mapping):
        return _sorted(found, path)
    if isinstance(found, list):
        return tuple(_name(entry, path) for entry in found)
    raise BadOption(f"The labels {str(path)!r} hold a {type(found).__name__}. {_FORMS}")


def _sorted(named: Mapping[str, object], path: Path) -> tuple[str, ...]:
    try:
        by_index = {int(index): _name(entry, path) for index, entry in named.items()}
    except ValueError:
        raise BadOption(
            f"The labels {str(path)!r} are numbered by something else than whole numbers. {_FORMS}"
        ) from None
    if sorted(by_index) != list(range(len(named))):
        absent = next(i for i in range(len(named) + 1) if i not in by_index)
        raise BadOption(
            f"The labels {str(path)!r} name {counted(len(named), 'class')}, but none with "
            f"index {absent}. "
            f"Every index from 0 has one name. {_FORMS}"
        )
    return tuple(by_index[index] for index in range(len(by_index)))


def _name(entry: object, path: Path) -> str:
    if isinstance(entry, Sequence) and not isinstance(entry, str) and entry:
        entry = entry[-1]  # keras.applications has ["n01440764", "tench"]
    if not isinstance(entry, str):
        raise BadOption(f"A label in {str(path)!r} is {entry!r}, which is not text. {_FORMS}")
    return entry.strip()
