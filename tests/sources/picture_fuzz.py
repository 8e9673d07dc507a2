"""Reads mutated pictures and arrays; run in a process of its own, so that a crash is seen as such.

``python picture_fuzz.py SEED COUNT FOLDER`` prints one line for every outcome that is
neither a picture nor an error of the project, and at last how many of each there were.
"""

import faulthandler
import io
import json
import resource
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageSequence

from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.sources.array import stored
from xai_heatmap.sources.band_files import bands_in
from xai_heatmap.sources.image import read
from xai_heatmap.sources.labels import labels

LIMIT = 250_000
"""Pixels: what says that it has more must be refused before memory is taken for it."""

MEMORY = 128
"""How many times the bytes of the largest picture, as numbers of single precision, one file may
take beyond what the process had."""

PATIENCE = 200
"""How many times the processor's time for the largest picture one file may take."""

ENDLESS = 600
"""Seconds after which a file that is never done with ends the process, with a trace of where."""

PICTURES = {
    "png": [("png", {}), ("png", {"optimize": True})],
    "jpeg": [("jpeg", {}), ("jpeg", {"progressive": True})],
    "webp": [("webp", {"lossless": True}), ("webp", {"quality": 30})],
    "tiff": [("tiff", {}), *(("tiff", {"compression": c}) for c in ("tiff_lzw", "tiff_deflate"))],
    "bmp": [("bmp", {})],
    "gif": [("gif", {})],
    "ppm": [("ppm", {})],
    "avif": [("avif", {})],
    "jpeg2000": [("jpeg2000", {}), ("jpeg2000", {"irreversible": True, "no_jp2": True})],
}
MODES = ("RGB", "L", "RGBA", "P", "1", "I;16", "CMYK", "LA", "F")
NUMBERS = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def pictures() -> Iterator[tuple[str, bytes]]:
    """Whole files of every format and kind of pixel that it has, some with metadata."""
    random = np.random.default_rng(0)
    base = PIL.Image.fromarray(random.integers(0, 256, (13, 11, 4), dtype=np.uint8), "RGBA")
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a word"
    for name, ways in PICTURES.items():
        if name.upper() not in PIL.Image.SAVE:
            continue
        for mode in MODES:
            grey = mode in ("I;16", "F")
            picture = base.convert("L" if grey else "RGB").convert("I" if grey else mode)
            picture = picture.convert(mode) if grey else picture
            for kind, options in ways:
                for more in ({"exif": exif}, {}):
                    file = io.BytesIO()
                    try:
                        picture.save(file, kind, **options, **more)
                    except (OSError, KeyError, ValueError, TypeError):
                        continue
                    yield name, file.getvalue()
        frames = [base.convert("RGB"), base.convert("RGB").rotate(90), base.convert("RGB")]
        if name in ("png", "gif", "webp", "tiff", "avif"):
            file = io.BytesIO()
            frames[0].save(file, name, save_all=True, append_images=frames[1:])
            yield name, file.getvalue()


def others() -> Iterator[tuple[str, bytes]]:
    """Arrays and names of classes."""
    for dtype in ("<f4", ">u2", "|u1", "<f8", "|b1", "<i8", "<c8", "<U3", "<M8[s]"):
        for shape in ((), (6,), (4, 3, 3), (3, 2, 2, 2)):
            file = io.BytesIO()
            np.save(file, np.zeros(shape, dtype))
            yield "npy", file.getvalue()
    yield "csv", b"index,name\n0,a cat\n1,a dog\n"
    yield "csv", b"a cat\na dog\n"
    yield "txt", "a cat\né\n".encode()
    yield "json", json.dumps(["a", "b"]).encode()
    yield "json", json.dumps({"0": ["n01", "a"], "1": ["n02", "b"]}).encode()


def mutated(name: str, raw: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """Bytes, numbers and parts changed, dropped, doubled or taken from another file."""
    data = bytearray(raw)
    for _ in range(random.integers(1, 6)):
        if not data:
            break
        place, how = int(random.integers(len(data))), random.integers(9)
        if random.random() < 0.5:
            place = min(place, int(random.integers(64)))  # headers are where lies are believed
        if how == 0:
            data[place] = random.integers(256)
        elif how == 1:
            data[place] ^= 1 << int(random.integers(8))
        elif how == 2:
            del data[place : place + int(random.integers(1, 40))]
        elif how == 3:
            data[place:place] = data[place : place + int(random.integers(1, 40))]
        elif how == 4:
            del data[place:]
        elif how == 5:
            begin = int(random.integers(len(other)))
            data[place:place] = other[begin : begin + int(random.integers(1, 60))]
        else:
            form = random.choice(["<H", ">H", "<I", ">I", "B"])
            top = 256 ** struct.calcsize(form) - 1
            number = struct.pack(form, min(int(random.choice(NUMBERS)), top))
            data[place : place + len(number)] = number
    return _summed(bytes(data)) if name == "png" and random.random() < 0.8 else bytes(data)


def _summed(data: bytes) -> bytes:
    """A PNG whose parts have the right checksums: what changed is not found out by those."""
    made, place = bytearray(data[:8]), 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        length = min(length, len(data) - place - 12)
        part = data[place + 4 : place + 8 + length]
        made += data[place : place + 4] + part + struct.pack(">I", zlib.crc32(part))
        place += 12 + length
    return bytes(made)


def outcome(path: Path) -> str:
    """``answer``, ``refused``, or what went wrong."""
    try:
        if path.suffix == ".npy":
            stored(path)
        elif path.suffix in (".csv", ".txt", ".json"):
            labels(path)
        else:
            image = read(path, limit=LIMIT).image
            if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
                return f"an image of shape {image.shape} and {image.dtype}"
            bands_in(path, 4, limit=LIMIT)
    except XaiHeatmapError as refusal:
        return "refused" if str(refusal).strip() else "a refusal without a word"
    except BaseException as error:  # noqa: BLE001 - what else there is, is what is looked for
        return f"{type(error).__name__}: {error}"
    return "answer"


def usual(folder: Path) -> float:
    """Processor seconds for reading the largest picture that may be, in the dearest format."""
    side = int(LIMIT**0.5)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    taken = []
    for name in ("png", "webp", "jpeg"):
        path = folder / f"usual.{name}"
        PIL.Image.fromarray(pixels).save(path)
        begin = time.process_time()
        assert outcome(path) == "answer"
        taken.append(time.process_time() - begin)
        path.unlink()
    return max(taken)


def judged(path: Path, patience: float) -> str:
    """The outcome, or that it took too long or too much."""
    before, begin = _peak(), time.process_time()
    faulthandler.dump_traceback_later(ENDLESS, exit=True)
    found = outcome(path)
    faulthandler.cancel_dump_traceback_later()
    if (took := time.process_time() - begin) > patience:
        return f"took {took:.1f} s of the processor, {found}"
    if (more := _peak() - before) > MEMORY * 3 * 4 * LIMIT:
        return f"took {more >> 20} MiB, {found}"
    return found


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(seed: int, count: int, folder: Path) -> None:
    warnings.simplefilter("ignore")
    PIL.Image.init()
    whole = [*pictures(), *others()]
    by_name: dict[str, list[bytes]] = {}
    for name, raw in whole:
        by_name.setdefault(name, []).append(raw)
    random, names = np.random.default_rng(seed), sorted(by_name)
    counted: Counter[str] = Counter()
    patience = PATIENCE * usual(folder)
    for number in range(count):
        name = names[random.integers(len(names))]
        same = by_name[name]
        raw, other = same[random.integers(len(same))], same[random.integers(len(same))]
        path = folder / f"mutated.{name}"
        path.write_bytes(mutated(name, raw, other, random))  # stays where the interpreter dies
        found = judged(path, patience)
        counted[found if found in ("answer", "refused") else "wrong"] += 1
        if found not in ("answer", "refused"):
            path.rename(folder / f"wrong-{number}.{name}")
            sys.stdout.write(f"{number} {name}: {found[:300]}\n")
            sys.stdout.flush()
    words = (f"{name}={counted[name]}" for name in ("answer", "refused", "wrong"))
    sys.stdout.write(" ".join(words) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
