"""`xai-heatmap demo`: both are right, one for the wrong reason."""

import json

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.apps.cli import main
from xai_heatmap.showcase import demo


@pytest.fixture(scope="module")
def shown():
    return list(demo.exhibits())


def own(exhibit):
    mark = exhibit.scene.mark
    return mark is not None and mark.label == exhibit.scene.label


@pytest.mark.slow
def test_where_the_badge_is_its_own_both_are_right_and_else_the_cheat_is_wrong(shown):
    assert any(own(exhibit) for exhibit in shown)
    for exhibit in shown:
        honest, cheat = exhibit.views
        assert honest.right, exhibit.title
        assert cheat.right == own(exhibit), exhibit.title


def test_the_honest_network_looks_at_the_object_and_the_cheat_at_the_badge(shown):
    for exhibit in shown:
        honest, cheat = (view.looks[-1].shares for view in exhibit.views)
        assert honest["object"] > 0.5, exhibit.title
        if exhibit.scene.mark is not None:
            assert cheat["badge"] > 0.5, exhibit.title
            assert honest["badge"] < 0.1, exhibit.title


def test_a_cheat_follows_the_badge_of_another(shown):
    others = [e for e in shown if e.scene.mark is not None and not own(e)]
    assert others
    for exhibit in others:
        assert exhibit.views[1].first.label == exhibit.scene.mark.label


@pytest.mark.slow
def test_the_command_writes_a_sheet_and_a_page_and_says_what_is_to_be_seen(tmp_path, capsys):
    out = tmp_path / "not yet there"
    assert main(["demo", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "WRONG" in said
    assert "honest looks at the object" in said
    sheet = np.asarray(PIL.Image.open(out / "sheet.png"))
    assert sheet.shape[1] > 1000
    page = (out / "index.html").read_text()
    assert page.count("<img") == 7 * len(demo.SHOWN)
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "sheet.png"]


@pytest.mark.slow
def test_the_answer_as_json(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first = found["exhibits"][0]
    assert first["scene"] == "ladybird, its own badge"
    cheat = first["networks"]["cheat"]
    assert cheat["right"] is True
    assert cheat["looks_at"]["badge"] > cheat["looks_at"]["object"]


@pytest.mark.slow
def test_a_folder_that_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file")]) == 4
    assert "XH401" in capsys.readouterr().err
