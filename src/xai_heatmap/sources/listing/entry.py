"""Entry of a listing: one picture that can be read at any time, by any process."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import ImageNotFound, NotAnImage
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.hugging import SIGN, row_given
from xai_heatmap.sources.video import frame_at


@dataclass(frozen=True)
class Entry:
    """One picture of a listing.

    Parameters
    ----------
    id
        Name of the picture, which no other picture of the listing has.
    uri
        Path of a file, an address that fsspec opens, ``archive.tar#member``,
        ``clip.mp4#pts=1600``, or ``hf:NAME?split=test#7``.
    label
        What is known to be on it; None where nobody says.
    offset, size
        Where the bytes lie in an archive; None of a file of its own. Of a frame of a video the
        offset is its presentation time, in the file's own unit.
    """

    id: str
    uri: str
    label: str | None = None
    offset: int | None = None
    size: int | None = None

    def given(self) -> Path | bytes | Image:
        """The picture as `explain` takes it: the path of a file, bytes, or the frame of a video.

        Raises
        ------
        ImageNotFound, NotAnImage
            If it can't be had.
        """
        if self.uri.startswith(SIGN):
            found = row_given(self.uri)
            if isinstance(found, bytes):
                return found
            return fetched(found) if remote(found) else Path(found)
        if self.offset is not None and self.size is None:
            return frame_at(self.uri.rpartition("#")[0], self.offset)
        if self.offset is not None:
            return self._member()
        if (own := _named_in_bytes(self.uri)) is not None:
            return own
        return fetched(self.uri) if remote(self.uri) else Path(self.uri)

    def _member(self) -> bytes:
        path, _, _ = self.uri.rpartition("#")
        try:
            with opened(path) as file:
                file.seek(self.offset or 0)
                found = file.read(self.size or 0)
        except FileNotFoundError:
            raise ImageNotFound(f"The archive {path!r} is no longer there.") from None
        except OSError as error:
            raise NotAnImage(f"The archive {path!r} can't be read: {error}.") from error
        if len(found) != self.size:
            raise NotAnImage(f"{self.uri!r} is cut off: the archive was changed or is not whole.")
        return found


def in_unicode(entry: Entry) -> Entry:
    """Entry whose address any file can hold: a path whose bytes are not UTF-8 becomes ``file://``
    with its bytes as per cents, by which it is found again.
    """
    uri = entry.uri
    if entry.offset is not None or uri.isascii() or not any(map(_half, uri)):
        return entry
    return replace(entry, uri=f"file://{quote(os.fsencode(uri))}")


def _half(sign: str) -> bool:
    """Whether a character stands for a byte that is not UTF-8."""
    return "\ud800" <= sign <= "\udfff"


def _named_in_bytes(uri: str) -> Path | None:
    scheme, sign, path = uri.partition("://")
    if not sign or scheme != "file" or "%" not in path or Path(path).exists():
        return None
    return Path(os.fsdecode(unquote_to_bytes(path)))


LOCAL = ("file", "local")
"""Schemes of addresses of files of this machine, which are read only if they are files."""


def remote(uri: str) -> bool:
    """Whether a name is the address of something that fsspec opens."""
    return "://" in uri


def fetched(uri: str) -> bytes:
    """Bytes behind an address.

    Raises
    ------
    ImageNotFound, NotAnImage
        If there is nothing, or it can't be read.
    """
    local = uri.partition("://")[0] in LOCAL
    try:
        found = filesystems()
        with opened(found.core.url_to_fs(uri)[1]) if local else found.open(uri, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise ImageNotFound(f"There is nothing at {uri!r}. Check the address.") from None
    except (ImageNotFound, NotAnImage):
        raise
    except Exception as error:
        raise NotAnImage(f"{uri!r} can't be read: {type(error).__name__}: {error}.") from error


def filesystems() -> Any:
    """The module fsspec.

    Raises
    ------
    ImageNotFound
        Where it is not installed.
    """
    try:
        import fsspec
    except ImportError:
        raise ImageNotFound(
            "Addresses such as s3://bucket/folder need fsspec: pip install 'xai-heatmap[batch]'."
        ) from None
    return fsspec


def absolute(path: str | os.PathLike[str]) -> str:
    """A path that is the same from whatever folder it is looked at; an address, and the name of a
    data set, as it is.
    """
    text = os.fspath(path)
    return text if remote(text) or text.startswith(SIGN) else os.path.abspath(text)  # noqa: PTH100 - links stay links


def member_uri(archive: str, member: str) -> str:
    """Address of a member of an archive."""
    return f"{archive}#{quote(member, safe='/ !$&()*+,;=:@~')}"
