"""The viewer that is committed is that of its sources, small, and asks no other host."""

import gzip
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import hatch_build  # noqa: E402

DIST = hatch_build.WEB / "dist"
MOST = 60_000
"""Bytes of script, compressed."""

NAMESPACES = {"localhost", "www.w3.org", "svelte.dev"}
"""Hosts that stand in the files as names and are never asked."""


def test_the_viewer_is_fresh():
    assert hatch_build.stale() == ""


def test_a_changed_a_new_and_a_missing_source_are_noticed(tmp_path):
    for change in ("changed", "new", "missing", "unbuilt"):
        web = tmp_path / change
        shutil.copytree(
            hatch_build.WEB, web, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
        )
        assert hatch_build.stale(web) == ""
        source = web / "ui" / "src" / "App.svelte"
        if change == "changed":
            source.write_text(source.read_text("utf-8") + " ", "utf-8")
        elif change == "new":
            (web / "ui" / "src" / "more.ts").touch()
        elif change == "missing":
            source.unlink()
        else:
            shutil.rmtree(web / "dist")
        assert "make ui" in hatch_build.stale(web), change


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


def test_no_file_names_another_host():
    for path in DIST.rglob("*"):
        if path.suffix in {".js", ".css", ".html"}:
            hosts = set(re.findall(r"https?://([\w.-]+)", path.read_text("utf-8")))
            assert hosts <= NAMESPACES, path.name
    assert '"resolved"' not in (DIST.parent / "ui" / "package-lock.json").read_text("utf-8")


def test_what_is_built_into_the_viewer_is_named_with_its_licence():
    licence = (DIST / "licences.txt").read_text("utf-8")
    assert "svelte" in licence
    assert "MIT" in licence
