"""Pictures of WebDataset archives: members of a tar that have one key belong together."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from xai_heatmap.core.errors import NotAnImage
from xai_heatmap.sources.files import SUFFIXES, opened
from xai_heatmap.sources.listing.entry import Entry, absolute, member_uri

LABELS = ("cls", "label", "txt")
"""Fields that hold what is on the picture, most telling first."""

LONGEST = 4096
"""Bytes of a label; what is longer is none."""

BLOCK = 512


def in_archive(path: str) -> Iterator[Entry]:
    """Entries of the pictures in a tar, in the order of the archive.

    The key of a member is its name up to the first dot behind the last slash, the rest its field:
    ``0007.jpg`` and ``0007.cls`` are one sample. Samples whose members lie apart are one all the
    same.

    Raises
    ------
    NotAnImage
        For a file that is no tar or no whole one, one that is compressed, and one without pictures.
    """
    archive = absolute(path)
    pictures: list[tuple[str, str, tarfile.TarInfo]] = []
    labels: dict[str, dict[str, str]] = {}
    try:
        with opened(archive) as held, tarfile.open(fileobj=held, mode="r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                key, field = _split(member.name)
                if f".{field.rpartition('.')[2].casefold()}" in SUFFIXES:
                    pictures.append((key, field, member))
                elif field in LABELS and member.size <= LONGEST:
                    said = tar.extractfile(member)
                    if said is not None:
                        text = said.read().decode("utf-8", "replace").strip()
                        labels.setdefault(key, {})[field] = text
            _check_end(tar, path)
    except FileNotFoundError:
        raise NotAnImage(f"There is no archive {path!r}. Check the spelling.") from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise NotAnImage(
            f"The archive {path!r} can't be read to its end: {error}. Archives are plain tar, not "
            "compressed; pack it again, or leave it out."
        ) from error
    if not pictures:
        raise NotAnImage(f"No member of the archive {path!r} is a picture.")
    for key, field, member in pictures:
        name = key if f".{field.casefold()}" in SUFFIXES else f"{key}.{field}"
        said = labels.get(key, {})
        yield Entry(
            f"{Path(path).name}/{name}",
            member_uri(archive, member.name),
            next((said[own] for own in LABELS if own in said), None),
            member.offset_data,
            member.size,
        )


def _split(name: str) -> tuple[str, str]:
    folder, slash, own = name.rpartition("/")
    key, _, field = own.partition(".")
    return f"{folder}{slash}{key}", field


def _check_end(tar: tarfile.TarFile, path: str) -> None:
    """Refuse an archive whose members end where no end is marked: tarfile takes a broken header in
    the middle for the end.
    """
    file = tar.fileobj
    if file is None:
        return
    file.seek(tar.offset)
    rest = file.read(BLOCK)
    if rest.strip(b"\0"):
        raise NotAnImage(
            f"The archive {path!r} is broken at byte {tar.offset}: what stands there is no member "
            "and no end. Pack it again, or leave it out."
        )
