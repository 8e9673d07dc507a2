"""The site's builder: every public name has a page, and a link that leads nowhere is found."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import xai_heatmap as xh

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "docs" / "site" / "build.py"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("build_site", BUILD)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_every_public_name_has_a_page(build, tmp_path):
    build.write_api(tmp_path / "api")
    text = "".join(page.read_text("utf-8") for page in (tmp_path / "api").glob("*.md"))
    names = set(xh.__all__) - {"metrics", "scenes", "training", "XaiHeatmapError"}
    assert all(f":: xai_heatmap.{name}\n" in text for name in names)
    assert "automodule:: xai_heatmap.core.errors" in text


def test_a_name_without_a_group_is_an_error(build, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "GROUPS", {"Explain": ("explain",)})
    with pytest.raises(SystemExit, match="put into a group"):
        build.write_api(tmp_path / "api")


def test_links_that_lead_nowhere_are_found(build, tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="here">A</h1><a href="b.html#there">b</a><a href="b.html#gone">b</a>'
        '<a href="c.html">c</a><a href="#here">a</a><img src="x.png"><a href="https://x.org/y">y</a>'
    )
    (tmp_path / "b.html").write_text('<p id="there"></p>')
    assert build.broken(tmp_path) == [
        "a.html: b.html#gone", "a.html: c.html", "a.html: x.png",
    ]  # fmt: skip


def test_what_the_theme_leaves_is_mended(build):
    page = (
        '<p class="caption" role="heading">How to</p><aside class="sidebar-drawer"></aside>'
        '<pre>x</pre><table><tr><th class="head"><p></p></th><th>a</th></tr></table>'
    )
    assert build.accessible(page) == (
        '<p class="caption" role="heading" aria-level="2">How to</p>'
        '<aside class="sidebar-drawer" aria-label="Pages"></aside>'
        '<pre tabindex="0">x</pre><table><tr><td></td><th>a</th></tr></table>'
    )
    assert build.accessible(build.accessible(page)) == build.accessible(page)


def test_every_page_for_users_is_on_the_site():
    index = (BUILD.parent / "index.md").read_text("utf-8")
    docs = BUILD.parents[1]
    for page in docs.glob("*.md"):
        assert f"docs/{page.stem}\n" in index, page.name


def test_every_public_name_has_an_example(build):
    uses = sys.modules["uses"]
    for name in (name for names in build.GROUPS.values() for name in names):
        told = (getattr(xh, name).__doc__ or "") + uses.shown(name)
        assert "Used in:" in told or ">>>" in told, name
    assert "xh.contrast(" in uses.shown("contrast")
    assert "(../docs/targets.md)" in uses.shown("contrast")
    assert uses.shown("nothing_of_that_name") == ""


def test_words_people_search_by_are_in_the_index_once(build, tmp_path):
    words = sys.modules["words"]
    assert max(Counter(word for own in words.WORDS.values() for word in own).values()) == 1
    for page in words.WORDS:
        copy = tmp_path / page
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / page).read_text("utf-8"), "utf-8")
    words.write_words(tmp_path)
    text = (tmp_path / "docs/detectors.md").read_text("utf-8")
    assert "```{index} ! yolo\n```\n" in text
    assert text.startswith("# Detectors")


@pytest.mark.parametrize(
    ("says", "leads"),
    [
        ("turn the crop off", "docs/preprocessing.md"),
        ("tensor that is ready", "docs/preprocessing.md"),
        ("a box of a YOLO", "docs/detectors.md"),
        ("why a map is empty", "docs/guide/6-when-a-map-is-empty.md"),
        ("add a method", "CONTRIBUTING.md"),
    ],
)
def test_a_new_user_is_one_click_away(says, leads):
    index = (BUILD.parent / "index.md").read_text("utf-8")
    assert any(says in line and f"({leads})" in line for line in index.splitlines())
    every = (ROOT / "docs/howto/README.md").read_text("utf-8")
    up = leads.removeprefix("docs/") if leads.startswith("docs/") else f"../{leads}"
    assert re.search(rf"\[[^]]*{says}[^]]*\]\(\.\./{re.escape(up)}", every)


def test_every_how_to_page_is_led_to():
    every = (ROOT / "docs/howto/README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        if page.stem not in ("agreement", "architecture", "onnx-operators"):
            assert f"../{page.name}" in every, page.name
