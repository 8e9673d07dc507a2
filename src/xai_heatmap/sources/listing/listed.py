"""Listing of whatever pictures come in: a folder, a pattern, a manifest, an archive, an address."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from xai_heatmap.core.errors import BadOption, ImageNotFound
from xai_heatmap.sources.hugging import SIGN, is_saved
from xai_heatmap.sources.listing.archive import in_archive
from xai_heatmap.sources.listing.clip import in_video
from xai_heatmap.sources.listing.dataset import in_dataset
from xai_heatmap.sources.listing.entry import Entry, absolute, in_unicode, remote
from xai_heatmap.sources.listing.folder import (
    ARCHIVES,
    archives_in,
    at_address,
    in_folder,
    matching,
)
from xai_heatmap.sources.listing.manifest import SEPARATORS, in_manifest
from xai_heatmap.sources.video import VIDEOS

MANIFESTS = (*SEPARATORS, ".parquet")


def entries(sources: Sequence[str | os.PathLike[str]]) -> Iterator[Entry]:
    """Entries of everything that is named, in that order; the same in every run.

    Parameters
    ----------
    sources
        Folders, patterns, manifests (``.txt``, ``.csv``, ``.tsv``, ``.parquet``), WebDataset
        archives (``.tar``), videos, data sets of Hugging Face (``hf:NAME``, or a folder that
        ``save_to_disk`` wrote), addresses (``s3://...``), or pictures themselves.

    Raises
    ------
    InputError, BadOption
        For what is not there, holds no picture, or can't be read.
    """
    if not sources:
        raise BadOption("Pictures are needed: name a folder, a pattern, a manifest or an archive.")
    for source in [os.fspath(one) for one in sources]:
        yield from map(in_unicode, _of(source, alone=len(sources) == 1))


def _of(source: str, *, alone: bool) -> Iterator[Entry]:
    suffix = Path(source).suffix.casefold()
    if source.startswith(SIGN) or is_saved(source):
        yield from in_dataset(source)
    elif remote(source):
        yield from at_address(source)
    elif Path(source).is_dir():
        archives = archives_in(source)
        yield from _each(archives) if archives else in_folder(source)
    elif suffix in MANIFESTS:
        yield from in_manifest(source)
    elif Path(source).exists():
        yield from _in_file(source) or [
            Entry(Path(source).name if alone else source, absolute(source))
        ]
    elif any(sign in source for sign in "*?["):
        found = matching(source)
        root = os.path.commonpath([str(Path(path).parent) for path in found])
        for path in found:
            yield from _in_file(path) or [Entry(Path(path).relative_to(root).as_posix(), path)]
    else:
        raise ImageNotFound(
            f"There is nothing called {source!r}. Name a folder, a pattern in quotes, a manifest, "
            "an archive or an address."
        )


def _in_file(path: str) -> Iterator[Entry] | None:
    """Entries of a file that holds many pictures; None of any other."""
    suffix = Path(path).suffix.casefold()
    if suffix in ARCHIVES:
        return in_archive(path)
    return in_video(path) if suffix in VIDEOS else None


def _each(archives: Sequence[str]) -> Iterator[Entry]:
    for archive in archives:
        yield from in_archive(archive)
