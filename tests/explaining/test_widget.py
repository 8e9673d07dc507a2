"""The viewer in a cell of a notebook: with anywidget, without it, and in a browser."""

import builtins
import io
import json
import re

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining import widget
from xai_heatmap.explaining.explanation import Explanation

PICTURE = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def made():
    return xh.compare(
        xh.network("demo"), PICTURE, methods=["layercam"], layers=["stage1.down", "features"]
    )


@pytest.fixture
def bare(monkeypatch):
    """A machine without anywidget."""
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.partition(".")[0] == "anywidget":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    widget._class.cache_clear()
    yield
    widget._class.cache_clear()


def packets(page):
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(data)["packets"]


def test_a_widget_holds_every_map_of_what_it_shows(made):
    pytest.importorskip("anywidget")
    (all_of_them,) = packets(made.widget().page)
    assert [entry["layer"] for entry in all_of_them["maps"]] == ["stage1.down", "features"]
    (one,) = packets(made[1].widget().page)
    assert [entry["layer"] for entry in one["maps"]] == ["features"]


def test_a_widget_is_as_high_as_it_is_told(made):
    pytest.importorskip("anywidget")
    assert made[0].widget().height == 640
    assert made[0].widget(height=300).height == 300


@pytest.mark.parametrize("height", [0, 199, 4001, True])
def test_heights_out_of_range_are_refused(made, height):
    with pytest.raises(BadOption, match="200 to 4000"):
        made.widget(height=height)


def test_what_reads_a_notebook_without_running_it_gets_the_picture(made):
    pytest.importorskip("anywidget")
    told = made.widget()._repr_mimebundle_()
    data = told[0] if isinstance(told, tuple) else told
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<img alt='Heatmaps of image" in data["text/html"]
    assert "<script" not in data["text/html"]


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("which", ["explanation", "comparison"])
def test_without_anywidget_the_static_picture_says_what_is_missing(made, which):
    shown = made[0] if which == "explanation" else made
    assert isinstance(made[0], Explanation)
    still = shown.widget()
    page = still._repr_html_()
    assert page.count("<img ") == 1
    assert "pip install" in page
    assert "xai-heatmap[notebook]" in repr(still)
    picture = PIL.Image.open(io.BytesIO(still._repr_png_()))
    assert picture.size == PIL.Image.open(io.BytesIO(shown._repr_png_())).size


def test_a_broken_anywidget_is_not_called_absent(made, monkeypatch):
    def broken():
        raise ModuleNotFoundError("No module named 'psygnal'", name="psygnal")

    monkeypatch.setattr(widget, "_class", broken)
    with pytest.raises(ModuleNotFoundError, match="psygnal"):
        made.widget()


AROUND = """async ([code, page]) => {
  const listening = []
  const model = { get: (name) => ({ page, height: 500, title: 'T' })[name],
                  on: (...one) => listening.push(one), off: () => listening.pop() }
  const { default: own } = await import('data:text/javascript;base64,' + btoa(code))
  const el = document.body.appendChild(document.createElement('div'))
  window.end = own.render({ model, el })
  window.left = () => listening.length
}"""


@pytest.mark.slow
def test_the_viewer_runs_within_a_cell_and_leaves_nothing(made):
    pytest.importorskip("anywidget")
    from web.browsing import Asked, browser

    own = made.widget()
    with browser() as chrome:
        page = chrome.new_page(viewport={"width": 1000, "height": 600})
        asked = Asked(page)
        page.set_content("<!doctype html><title>notebook</title><body></body>")
        page.evaluate(AROUND, [own._esm, own.page])
        (frame,) = page.frames[1:]
        frame.get_by_text("layercam", exact=False).first.wait_for()
        assert page.locator("iframe").bounding_box()["height"] == 500
        assert frame.locator("canvas").count() >= 1
        assert page.evaluate("left()") == 2
        page.evaluate("end()")
        assert page.evaluate("left()") == 0
        assert asked.faults == []
        assert [one for one in asked if not one.startswith(("blob:", "data:", "about:"))] == []
