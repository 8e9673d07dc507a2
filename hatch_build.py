"""A wheel and a source archive hold the built viewer: without a fresh one there is none."""

import hashlib
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # asked for the digest alone
    BuildHookInterface = object

PACKAGE = Path(__file__).resolve().parent / "src" / "xai_heatmap"

BUILT = "sources.sha256"
"""File with two digests, written by `build.mjs`: of the sources, and of what was built of them."""

LEFT_OUT = {"node_modules", ".svelte-kit", BUILT}


def digest(folder: Path, *more: Path) -> str:
    """Digest of all files of a folder, and more: their names in order, and what they hold."""
    made = hashlib.sha256()
    names = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)
    ]
    for path in [*(folder / name for name in sorted(names)), *more]:
        name = path.name if path in more else path.relative_to(folder).as_posix()
        held = path.read_bytes().replace(b"\r\n", b"\n")
        made.update(f"{name}\0{len(held)}\0".encode() + held)
    return made.hexdigest()


def stale(package: Path = PACKAGE) -> str:
    """Why the built viewer is not that of the sources beside it; empty where it is."""
    web, viewer = package / "apps" / "web", package / "render" / "viewer"
    pages = [viewer / "report.html", viewer / "exported.html"]
    built = web / "dist" / BUILT
    if not built.is_file() or not all(page.is_file() for page in pages):
        return f"There is no built viewer in {web / 'dist'}, or a page is missing. Run: make ui."
    sources, products = built.read_text("ascii").split()
    if sources != digest(web / "ui"):
        return "The viewer in dist/ was built of other sources than those in ui/. Run: make ui."
    if products != digest(web / "dist", *pages):
        return "Files of the built viewer were changed after it was built. Run: make ui."
    return ""


class Fresh(BuildHookInterface):
    """Refusal to build without a fresh viewer; an editable install takes what is there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        why = "" if version == "editable" else stale()
        if why:
            raise RuntimeError(why)
