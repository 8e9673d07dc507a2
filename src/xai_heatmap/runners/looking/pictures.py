"""Pictures that a page sent, kept a while: the newest of them, decoded, by their digest."""

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Deep, Image
from xai_heatmap.core.errors import ImageNotFound
from xai_heatmap.jobs.serve_job import PAGE_PIXELS
from xai_heatmap.sources.array import ENDING, stored
from xai_heatmap.sources.image import Photograph, read

HELD = 400_000_000
"""Bytes of decoded pictures that are kept."""

SMALL = 512 * 512
"""Pixels up to which a picture is handed back as PNG."""

NUMPY = b"\x93NUMPY"
"""First bytes of a ``.npy`` file."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, or an array that is a signal or a volume.

    Parameters
    ----------
    key
        Digest of the bytes that were sent.
    name
        Of the file.
    image
        Upright, RGB; None for an array.
    array
        Numbers as they were sent; None for a picture.
    remark
        What should be said of it; empty where there is nothing.
    values
        Of a picture of more than 8 bits, which the network is given; else None.
    """

    key: str
    name: str
    image: Image | None = None
    array: np.ndarray | None = None
    remark: str = ""
    values: Deep | None = None
    _encoded: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    @property
    def wanted(self) -> np.ndarray | Photograph:
        """What is explained, with every bit of it."""
        if self.values is None or self.image is None:
            return self.given
        return Photograph(self.image, self.name, values=self.values)

    @property
    def given(self) -> np.ndarray:
        """What is explained, as it is drawn."""
        found = self.image if self.array is None else self.array
        assert found is not None  # noqa: S101 - one of both is there
        return found

    def facts(self) -> dict[str, object]:
        """Facts for a page."""
        own = self.given
        known: dict[str, object] = {"id": self.key, "name": self.name, "remark": self.remark}
        if self.array is not None:
            shape = list(own.shape)
            return known | {"kind": "array", "mime": "application/x-npy", "shape": shape,
                            "width": None, "height": None}  # fmt: skip
        mime = _mime(own)
        return known | {"kind": "picture", "mime": mime, "width": own.shape[1],
                        "height": own.shape[0], "shape": list(own.shape)}  # fmt: skip

    def encoded(self) -> tuple[str, bytes]:
        """Kind and bytes of the file that the stage draws: the pixels that the network is given."""
        if not self._encoded:
            self._encoded.append((_mime(self.given), encoded(self.given, _mime(self.given))))
        return self._encoded[0]


class Pictures:
    """The newest pictures up to `held` bytes, of files in which `white` is white; samples are made
    when they are first asked for.
    """

    def __init__(
        self, *, pixels: int = PAGE_PIXELS, held: int = HELD, white: float | None = None
    ) -> None:
        self.pixels, self.held, self.white = pixels, held, white
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._samples: dict[str, Callable[[], Picture]] = {}
        self._lock = threading.Lock()

    def sample(self, key: str, make: Callable[[], Picture]) -> None:
        """Add a picture that is always there."""
        self._samples[key] = make

    def put(self, data: bytes, name: str) -> Picture:
        """The picture that a file's bytes hold.

        Raises
        ------
        InputError
            For what is none, or has too many pixels.
        """
        key = hashlib.sha256(data).hexdigest()[:20]
        with self._lock:
            found = self._kept.get(key)
        return self.keep(found or decoded(data, key, name, limit=self.pixels, white=self.white))

    def keep(self, picture: Picture) -> Picture:
        """Keep a picture as the newest; the oldest go where there is no room for them."""
        with self._lock:
            self._kept[picture.key] = picture
            self._kept.move_to_end(picture.key)
            while len(self._kept) > 1 and self._bytes() > self.held:
                self._kept.popitem(last=False)
        return picture

    def get(self, key: str) -> Picture:
        """The picture of that digest.

        Raises
        ------
        ImageNotFound
            If it is not kept any more, or never was.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is None and key in self._samples:
            found = self.keep(self._samples[key]())
        if found is None:
            raise ImageNotFound(
                "This picture is not kept any more: the server was started anew, or newer ones "
                "took its place. Send it again."
            )
        return found

    def _bytes(self) -> int:
        kept = self._kept.values()
        deep = sum(one.values.nbytes for one in kept if one.values is not None)
        return deep + sum(one.given.nbytes for one in kept)


def decoded(
    data: bytes, key: str, name: str, *, limit: int = PAGE_PIXELS, white: float | None = None
) -> Picture:
    """A picture out of a file's bytes; of a ``.npy`` file the array."""
    if data.startswith(NUMPY):
        with TemporaryDirectory() as folder:
            path = Path(folder, f"array{ENDING}")
            path.write_bytes(data)
            return Picture(key, name, array=stored(path))
    found = read(data, limit=limit, white=white, called=name)
    return Picture(key, name, image=found.image, remark=found.remark, values=found.values)


def encoded(image: Image, mime: str, *, quality: int = 92) -> bytes:
    """Bytes of a file of that kind."""
    written = io.BytesIO()
    how = {"quality": quality, "subsampling": 0} if mime == "image/jpeg" else {"compress_level": 3}
    PIL.Image.fromarray(image).save(written, mime.partition("/")[2].upper(), **how)
    return written.getvalue()


def _mime(image: Image) -> str:
    return "image/png" if image.shape[0] * image.shape[1] <= SMALL else "image/jpeg"
