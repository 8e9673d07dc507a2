"""Reports: what a page holds is what the explanations say, whatever they are called."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.explaining import reporting
from xai_heatmap.explaining.grid import Refusal
from xai_heatmap.explaining.reporting import save_report
from xai_heatmap.explaining.viewed import thinned, viewed

PICTURE = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def made():
    return xh.compare(
        xh.network("demo"),
        PICTURE,
        methods=["gradcam", "hirescam"],
        layers=["stage1.down", "features"],
        targets=["cat", "bus"],
    )


def held(path):
    """The data of a page, read as a browser does."""
    text = Path(path).read_text("utf-8")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(data)


def numbers(entry):
    levels = np.frombuffer(base64.b64decode(entry["data"]), np.uint8).reshape(entry["shape"])
    return entry["lo"] + levels / 255 * (entry["hi"] - entry["lo"])


def test_a_page_holds_every_map_and_its_facts(made, tmp_path):
    assert made.save(tmp_path / "deep" / "x.html") == [tmp_path / "deep" / "x.html"]
    page = held(tmp_path / "deep" / "x.html")
    (picture,) = page["pictures"]
    assert (picture["width"], picture["height"]) == (128, 96)
    assert [layer["name"] for layer in page["layers"]] == ["stage1.down", "features"]
    assert [method["at"] for method in page["methods"]] == ["layer", "layer"]
    found = {
        (packet["method"], packet["target"]["words"], entry["layer"]): (packet, entry)
        for packet in page["packets"]
        for entry in packet["maps"]
    }
    assert len(found) == len(made) == 8
    for one in made:
        packet, entry = found[one.method, one.target, one.layer.name]
        step = (entry["hi"] - entry["lo"]) / 255
        np.testing.assert_allclose(numbers(entry), one.map, atol=0.5 * step + 1e-9)
        assert entry["box"] == list(one.geometry.box)
        assert entry["verdict"]["words"] == one.verdict.because
        assert packet["target"]["score"] == pytest.approx(one.score)
        assert packet["predictions"][0]["label"] == one.predictions[0].label


def test_names_with_markup_stay_names(made, tmp_path):
    name = "</script><script>alert(1)</script> TITLE-SLOT DATA-SLOT \u2028&amp;"
    save_report(tmp_path / "x.html", [replace(one, name=name) for one in made], title=name)
    text = (tmp_path / "x.html").read_text("utf-8")
    assert "<script>alert" not in text
    page = held(tmp_path / "x.html")
    assert page["pictures"][0]["name"] == page["title"] == name


def test_a_refusal_stands_beside_the_maps_of_its_method(made, tmp_path):
    why = BadOption("This layer is not for cam.")
    save_report(tmp_path / "x.html", [*made, Refusal("gradcam", "stem", why)])
    packets = held(tmp_path / "x.html")["packets"]
    errors = {
        packet["method"]: [
            entry["error"]["message"] for entry in packet["maps"] if "error" in entry
        ]
        for packet in packets
    }
    assert errors == {"gradcam": [str(why)], "hirescam": []}


def test_a_turned_picture_has_its_map_upright(made):
    one = made[0]
    turned = Geometry(
        (96, 128), (0.0, 0.0, 128.0, 96.0), (128, 128), matrix=(-1.0, 0.0, 128.0, 0.0, 1.0, 0.0)
    )
    flipped = replace(one, geometry=turned)
    (shown,) = viewed([flipped])
    (packet,) = shown.packets.values()
    (entry,) = packet["maps"]
    assert entry["box"] == [0.0, 0.0, 128.0, 96.0]
    np.testing.assert_allclose(
        numbers(entry), one.map[:, ::-1], atol=(entry["hi"] - entry["lo"]) / 500
    )


def test_a_picture_at_a_slant_has_its_map_drawn_out(made):
    one = made[0]
    slanted = Geometry(
        (96, 128), (-48.0, 0.0, 128.0, 96.0), (96, 128), matrix=(1.0, -0.5, 0.0, 0.0, 1.0, 0.0)
    )
    leaning = replace(one, geometry=slanted)
    (shown,) = viewed([leaning])
    (packet,) = shown.packets.values()
    (entry,) = packet["maps"]
    assert entry["box"] is None
    whole, found = leaning.heat(scale="none"), numbers(entry)
    sampled = [
        [whole[int((row + 0.5) * 96 / 64), int((column + 0.5) * 2)] for column in range(64)]
        for row in range(64)
    ]
    np.testing.assert_allclose(found, sampled, atol=(entry["hi"] - entry["lo"]) / 500)


def test_what_is_too_large_goes_on_in_further_pages(made, tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "LARGEST", 1000)
    cells = [replace(one, name=name) for name in ("a", "b", "c") for one in made[:1]]
    pages = save_report(tmp_path / "x.html", cells)
    assert [page.name for page in pages] == ["x.html", "x-2.html", "x-3.html"]
    assert [held(page)["pictures"][0]["name"] for page in pages] == ["a", "b", "c"]
    assert [one["name"] for one in held(pages[1])["pages"]] == [page.name for page in pages]


def test_nothing_and_a_drawing_are_refused_in_words(made, tmp_path):
    with pytest.raises(BadOption, match="at least one"):
        save_report(tmp_path / "x.html", [])
    with pytest.raises(BadOption, match="draws its maps itself"):
        made.save(tmp_path / "x.html", draw=lambda one: one.image)
    for own in ({"picture": made[0].image}, {"stem": "cat"}, {"caption": True}):
        with pytest.raises(BadOption, match=f"draws its maps itself, so {next(iter(own))}"):
            made[0].save(tmp_path / "x.html", **own)
    assert list(tmp_path.iterdir()) == []
    assert not list(tmp_path.iterdir())


def test_a_long_signal_keeps_its_peaks():
    row = np.zeros(100_000, np.float32)
    row[12_345], row[77_777] = 9.0, -4.0
    kept = thinned(row)
    assert len(kept) == 2000
    assert (max(kept), min(kept)) == (9.0, -4.0)


def test_one_explanation_is_a_page_too(made, tmp_path):
    one = made.explanations[0]
    assert one.save(tmp_path / "x.html") == [tmp_path / "x.html"]
    (packet,) = held(tmp_path / "x.html")["packets"]
    (own,) = packet["maps"]
    assert np.abs(numbers(own) - one.map).max() <= (own["hi"] - own["lo"]) / 510 * (1 + 1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]
