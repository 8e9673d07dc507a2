"""The viewer that is committed is that of its sources, small, and asks no other host."""

import gzip
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import hatch_build  # noqa: E402

PACKAGE = hatch_build.PACKAGE
DIST = PACKAGE / "apps" / "web" / "dist"
REPORT = PACKAGE / "render" / "viewer" / "report.html"
MOST = 60_000
"""Bytes of script, compressed."""

NAMESPACES = {"localhost", "www.w3.org", "svelte.dev"}
"""Hosts that stand in the files as names and are never asked."""


def test_the_viewer_is_fresh():
    assert hatch_build.stale() == ""


CHANGES = ("changed", "new", "missing", "edited", "report", "unbuilt")


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_fresh_is_noticed(change, tmp_path):
    web, report = tmp_path / "apps" / "web", tmp_path / "render" / "viewer"
    for part in ("ui", "dist"):
        left_out = shutil.ignore_patterns("node_modules")
        shutil.copytree(PACKAGE / "apps" / "web" / part, web / part, ignore=left_out)
    shutil.copytree(PACKAGE / "render" / "viewer", report)
    assert hatch_build.stale(tmp_path) == ""
    path = {
        "edited": web / "dist" / "index.html",
        "report": report / "report.html",
    }.get(change, web / "ui" / "src" / "App.svelte")
    if change == "new":
        (web / "ui" / "src" / "more.ts").touch()
    elif change == "missing":
        path.unlink()
    elif change == "unbuilt":
        shutil.rmtree(web / "dist")
    else:
        path.write_text(path.read_text("utf-8") + " ", "utf-8")
    assert "make ui" in hatch_build.stale(tmp_path)


def test_a_package_is_not_built_of_a_stale_viewer(monkeypatch):
    pytest.importorskip("hatchling", reason="needs hatchling")
    hook = object.__new__(hatch_build.Fresh)
    hook.initialize("standard", {})
    monkeypatch.setattr(hatch_build, "stale", lambda: "stale")
    hook.initialize("editable", {})
    with pytest.raises(RuntimeError, match="stale"):
        hook.initialize("standard", {})


def test_the_script_is_small():
    scripts = list((DIST / "assets").glob("*.js"))
    assert scripts
    assert sum(len(gzip.compress(one.read_bytes(), 9)) for one in scripts) <= MOST
    assert len(gzip.compress(REPORT.read_bytes(), 9)) <= MOST


def test_no_file_names_another_host():
    for path in [*DIST.rglob("*"), REPORT]:
        if path.suffix in {".js", ".css", ".html"}:
            hosts = set(re.findall(r"https?://([\w.-]+)", path.read_text("utf-8")))
            assert hosts <= NAMESPACES, path.name
    assert '"resolved"' not in (DIST.parent / "ui" / "package-lock.json").read_text("utf-8")


def test_the_lock_holds_all_that_its_packages_ask_for():
    """Or `npm ci` refuses it; peers that are optional may be missing."""
    held = json.loads((DIST.parent / "ui" / "package-lock.json").read_text("utf-8"))["packages"]
    missing = [
        (place, name)
        for place, own in held.items()
        for name in {**own.get("dependencies", {}), **own.get("optionalDependencies", {})}
        if not any(f"{above}node_modules/{name}" in held for above in _above(place))
    ]
    assert missing == []


def _above(place):
    """Folders in which Node looks for what the package at a place asks for."""
    parts = place.split("/node_modules/") if place else []
    return ["", *("/node_modules/".join(parts[: k + 1]) + "/" for k in range(len(parts)))]


def test_what_is_built_into_the_viewer_is_named_with_its_licence():
    licence = (DIST / "licences.txt").read_text("utf-8")
    assert "svelte" in licence
    assert "MIT" in licence
