"""ONNX Runtime for browsers: two files that a page with a network carries, and nothing else."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xai_heatmap.core.errors import BadOption, OutputError
from xai_heatmap.sinks.staging import replaced

VERSION = "1.30.0"

PACKAGE = f"onnxruntime-web@{VERSION}"

SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"

DIGESTS: Mapping[str, str] = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""SHA-256 of each file, of the version that pages are tested with."""

WHERE = (".", "dist", "package/dist", "node_modules/onnxruntime-web/dist")
"""Folders below the one that is said in which the files may lie."""

PATIENCE = 600.0
"""Seconds that npm may take."""


@dataclass(frozen=True)
class Runtime:
    """The script and the WebAssembly of ONNX Runtime, as bytes."""

    script: bytes
    wasm: bytes


def runtime(
    folder: str | os.PathLike[str] | None = None, *, say: Callable[[str], object] = lambda _: None
) -> Runtime:
    """ONNX Runtime for browsers, of a folder, of the user's cache, or through npm into that cache.

    Parameters
    ----------
    folder
        Where the npm package `PACKAGE` was unpacked, or its two files lie; None for the cache.
    say
        Called with a few words before npm is asked.

    Raises
    ------
    BadOption
        Where the folder has not the files, or others than those that pages are tested with.
    OutputError
        Where nobody has them: no folder, an empty cache, and no npm that fetches them.
    """
    if folder is not None:
        return _of_folder(Path(folder))
    kept = cache()
    found = _read(kept)
    if _wrong(found) is None:
        return Runtime(found[SCRIPT], found[WASM])
    say(f"fetching {PACKAGE} through npm, once (33 MB)")
    found = _fetched()
    _keep(found, kept)
    return Runtime(found[SCRIPT], found[WASM])


def cache() -> Path:
    """Folder in which the two files are kept: of this version, in the user's cache."""
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path.home() / ".cache"
    said = os.environ.get("XDG_CACHE_HOME")
    return (Path(said) if said else home) / "xai-heatmap" / f"onnxruntime-web-{VERSION}"


def _read(folder: Path) -> dict[str, bytes]:
    """Those of the two files that can be read."""
    found: dict[str, bytes] = {}
    for name in DIGESTS:
        with suppress(OSError):
            found[name] = (folder / name).read_bytes()
    return found


def _wrong(found: Mapping[str, bytes]) -> str | None:
    """Name of a file that is missing or another than the one pages are tested with."""
    for name, digest in DIGESTS.items():
        if name not in found or hashlib.sha256(found[name]).hexdigest() != digest:
            return name
    return None


def _of_folder(folder: Path) -> Runtime:
    every = [_read(folder / below) for below in WHERE]
    found = max(every, key=len)
    wrong = _wrong(found)
    if wrong is None:
        return Runtime(found[SCRIPT], found[WASM])
    if wrong not in found:
        raise BadOption(
            f"There is no {wrong} in {str(folder)!r}. The runtime of a page is the npm package "
            f"{PACKAGE}, unpacked: npm pack {PACKAGE}, then tar -xf, and the folder it makes."
        )
    raise BadOption(
        f"{wrong} in {str(folder)!r} is not that of {PACKAGE}: its SHA-256 is another. Pages are "
        f"tested with that version alone; get it with npm pack {PACKAGE}."
    )


def _fetched() -> dict[str, bytes]:
    """The two files out of the package that npm fetches."""
    npm = shutil.which("npm")
    if npm is None:
        raise _nowhere("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="xai-heatmap-") as folder:
        call = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts"]
        try:
            done = subprocess.run(  # noqa: S603 - npm, with fixed words
                call, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _nowhere(f"npm failed: {error}") from error
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise _nowhere(f"npm failed: {lines[-1] if lines else done.returncode}")
        found = _of_archive(archives[0])
    wrong = _wrong(found)
    if wrong is not None:
        raise _nowhere(f"{wrong} of the package that npm fetched has another SHA-256 than known")
    return found


def _of_archive(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with suppress(tarfile.TarError, OSError, EOFError), tarfile.open(path) as archive:
        for name in DIGESTS:
            with suppress(KeyError):
                file = archive.extractfile(f"package/dist/{name}")
                if file is not None:
                    found[name] = file.read()
    return found


def _keep(found: Mapping[str, bytes], folder: Path) -> None:
    """Keep the files for the next page; where that can't be, they are fetched again."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in found.items():
            replaced(folder / name, lambda file, own=content: file.write(own))


def _nowhere(why: str) -> OutputError:
    return OutputError(
        f"A page needs ONNX Runtime for browsers, which does not come along (14 MB), and {why}. "
        f"Install Node with npm, which fetches it once; or unpack {PACKAGE} elsewhere (npm pack "
        f"{PACKAGE}) and name its folder: --runtime FOLDER, in Python runtime=FOLDER."
    )
