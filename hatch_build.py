"""A wheel and a source archive hold the built viewer: without a fresh one there is none."""

import hashlib
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # asked for the digest alone
    BuildHookInterface = object

WEB = Path(__file__).resolve().parent / "src" / "xai_heatmap" / "apps" / "web"
BUILT = WEB / "dist" / "sources.sha256"
"""Digest of the sources of which `dist` was built, written by `build.mjs`."""

LEFT_OUT = {"node_modules", ".svelte-kit"}


def digest(folder: Path) -> str:
    """Digest of all sources of the viewer: their names in order, and what they hold."""
    made = hashlib.sha256()
    names = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)
    ]
    for name in sorted(names):
        held = (folder / name).read_bytes().replace(b"\r\n", b"\n")
        made.update(f"{name}\0{len(held)}\0".encode() + held)
    return made.hexdigest()


def stale(web: Path = WEB) -> str:
    """Why the built viewer is not that of the sources beside it; empty where it is."""
    built = web / "dist" / BUILT.name
    if not built.is_file():
        return f"There is no built viewer ({built}). Build it: make ui."
    if built.read_text("ascii").strip() != digest(web / "ui"):
        return "The viewer in dist/ was built of other sources than those in ui/: make ui."
    return ""


class Fresh(BuildHookInterface):
    """Refusal to build without a fresh viewer; an editable install takes what is there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        why = "" if version == "editable" else stale()
        if why:
            raise RuntimeError(why)
