"""Findings of runs: the rule of what is claimed, what is found, and what is refused."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from finding_places import NAMES, coloured, folder, made, network, picture

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption, InputError, OutputError
from xai_heatmap.runners.findings import findings as module
from xai_heatmap.runners.findings.examining import Group
from xai_heatmap.runners.findings.finding import judged
from xai_heatmap.runners.findings.testing import Outcomes, _ranks


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("findings")
    folder(place / "in")
    made(place / "run", place / "in" / "list.csv")
    return place


@pytest.fixture(scope="module")
def found(place):
    return xh.findings(place / "run", network(), regions=boxes(place))


def boxes(place):
    """The left half of every picture."""
    path = place / "boxes.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "left", "top", "right", "bottom"))
        rows.writerows((f"{number:03d}", 0, 0, 12, 24) for number in range(24))
    return path


def group(fall, rise, *, count=20, turned=0, apart=8.0, spread=0.3):
    """A group whose pieces take so much away, bring so much along, and turn so many pictures."""
    chance = np.random.default_rng(int(100 * fall + rise))
    own = apart + chance.normal(0, spread, count)
    lost = fall + chance.normal(0, spread, count)
    got = rise + chance.normal(0, spread, count)
    outcomes = Outcomes(
        before=own.tolist(), without=(own - lost).tolist(), beside=own.tolist(),
        rank_before=[1] * count, rank_without=[1 + (k % 2) for k in range(count)],
        rank_beside=[1] * count, bare=[0.0] * count, put=got.tolist(), put_beside=[0.0] * count,
        turned=[k < turned for k in range(count)], turned_beside=[False] * count,
    )  # fmt: skip
    return Group(count, 0.5, 0.4, 0.05, "anywhere", 0.2, outcomes, [], [])


@pytest.mark.parametrize(
    ("fall", "rise", "turned", "claimed"),
    [
        (5, 5, 0, True),  # a mark: all of its weight comes along
        (5, 1.5, 0, False),  # a part of an object: most of it stays behind
        (5, 1.5, 15, True),  # little comes along, but it is enough for most pictures
        (5, 1.5, 3, False),
        (0, 5, 0, False),  # hiding it is not felt
        (0.3, 0.3, 0, False),  # all of it comes along, and it bridges next to nothing
    ],
)
def test_the_rule_of_what_is_claimed(fall, rise, turned, claimed):
    others = [("other", 1, group(3, 1)) for _ in range(10)]
    (one,) = [
        own
        for own in judged([("cat", 0, group(fall, rise, turned=turned)), *others])
        if own.index == 0
    ]
    assert one.shortcut is claimed
    assert one.fall.mean == pytest.approx(fall, abs=0.2)
    assert one.rise.mean == pytest.approx(rise, abs=0.2)
    assert ("shortcut" in one.sentences()[-1]) is claimed


def test_what_is_claimed_comes_first_then_what_hangs_on_it():
    small = replace(group(4, 1), share=0.1)
    order = judged([("a", 0, small), ("b", 1, group(4.1, 1)), ("c", 2, group(5, 5))])
    assert [one.name for one in order] == ["c", "b", "a"]
    assert order[1].hangs == pytest.approx(0.5 * 0.5)
    assert order[2].hangs == pytest.approx(0.5 * 0.1)


def test_too_few_pictures_of_other_classes_are_said_not_guessed():
    (one,) = judged([("cat", 0, replace(
        group(5, 5), outcomes=replace(group(5, 5).outcomes, turned=[], turned_beside=[], put=[],
                                      put_beside=[], bare=[]),
    ))])  # fmt: skip
    assert one.shortcut is None
    assert "too few" in one.sentences()[-1]
    assert judged([]) == []


def test_bounds_and_chances_are_corrected_for_all_that_is_asked():
    alone = judged([("cat", 0, group(0.4, 0.1))])[0]
    many = judged([("cat", k, group(0.4, 0.1)) for k in range(12)])[0]
    assert 0 < alone.chance < 0.05
    assert many.chance == pytest.approx(12 * alone.chance)
    assert many.fall.low < alone.fall.low
    assert many.turns.high > alone.turns.high


def test_ranks_count_who_is_before():
    rows = [np.array([3.0, 1.0, 3.0]), np.array([0.0, 2.0, 1.0])]
    assert _ranks(rows, 0) == [1, 3]
    assert _ranks(rows, 2) == [2, 2]


def test_squares_are_found_and_what_they_are_worth_is_measured(found):
    assert {one.name for one in found.findings} == set(NAMES)
    assert found.rows == found.looked == 24
    assert found.errors == found.missing == 0
    for one in found.findings[:2]:
        assert one.falls
        assert one.shortcut  # the square is the whole object: it speaks by itself
        assert one.group.outcomes.before == pytest.approx([5 * 200 / 255] * one.tested, abs=1e-2)
        assert one.rise.mean == pytest.approx(one.fall.mean, rel=0.1)
        for name, left, top, right, bottom in one.group.places:
            pixels = picture(int(name))[round(24 * top) : round(24 * bottom)]
            seen = pixels[:, round(24 * left) : round(24 * right)].astype(int)
            strong = (
                seen[..., 0] - seen[..., 2] if one.name == "red" else seen[..., 2] - seen[..., 0]
            )
            assert strong.max() > 150


def test_heat_outside_of_regions_is_counted(found):
    heat = {True: [], False: []}
    for number in range(24):
        column = int(np.abs(picture(number)[..., 0].astype(int) - 105).max(0).argmax())
        heat[bool(number % 2)].append(column < 12)
    for one in found.inside:
        own = heat[one.name == "blue"]
        assert one.heat == pytest.approx(np.mean(own), abs=0.02)
        assert one.area == pytest.approx(0.5)
        assert one.outside == len(own) - sum(own)
    assert {one.heat < 0.5 for one in found.outside} == {True}


def test_verdicts_and_classes_alike_stand_beside(found):
    assert {one.name: one.right for one in found.verdicts} == {"red": 12, "blue": 12}
    assert sum(one.words["ok"] for one in found.verdicts) == 24
    assert found.alike == ()


def test_confused_classes_are_shown_with_both_maps(tmp_path):
    folder(tmp_path / "in", 12)
    path = tmp_path / "in" / "list.csv"
    path.write_text(path.read_text().replace(",red,002", ",blue,002"))
    run = made(tmp_path / "run", path)
    found = xh.findings(run, network())
    (pair,) = found.confused
    assert (pair.label, pair.prediction, pair.pictures) == ("blue", "red", 1)
    assert pair.share == pytest.approx(1 / 7)
    assert pair.tiles[0]["label"] != pair.tiles[0]["prediction"]
    assert set(found.small) == set(NAMES)  # six pictures are too few for a test
    assert found.findings == ()


def test_the_page_holds_all_and_asks_for_nothing(found, tmp_path):
    tricky = '<script>alert("x")</script>&\udcff'
    first = replace(found.findings[0], name=tricky)
    page, facts = replace(found, findings=(first,), network=tricky).save(tmp_path / "deep" / "out")
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links
    assert all(own.startswith(("data:image/jpeg;base64,", "#")) for own in links)
    assert "url(" not in text
    assert text.count("<img ") == text.count(' alt="')
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    said = json.loads(facts.read_text("utf-8"))
    assert said["shortcuts"] == 1
    assert said["findings"][0]["group"]["places"]
    assert "data:image" not in facts.read_text("utf-8")


def test_what_is_finished_is_kept_and_read_again(place, found, monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(module, "examined", never)
    told = []
    again = xh.findings(place / "run", network(), listen=lambda *own: told.append(own))
    assert again.findings == found.findings
    assert told[-1][:2] == (24, 24)
    with pytest.raises(AssertionError):
        xh.findings(place / "run", network(), most=20)


def test_one_class_of_several(place):
    found = xh.findings(place / "run", network(), classes=["blue"])
    assert {one.name for one in found.findings} == {"blue"}
    with pytest.raises(BadOption, match=r"predicted as 'bleu'\. Did you mean 'blue'"):
        xh.findings(place / "run", network(), classes=["bleu"])


def test_a_run_of_one_class_claims_nothing(tmp_path):
    folder(tmp_path / "in", 10, only=0)
    found = xh.findings(made(tmp_path / "run", tmp_path / "in" / "list.csv"), network())
    assert found.findings
    assert {one.shortcut for one in found.findings} == {None}
    found.save(tmp_path / "out")
    assert "could not be asked" in (tmp_path / "out" / "findings.html").read_text()


def test_runs_that_do_not_fit_are_refused(place, tmp_path):
    def other(x):
        return -coloured(x)

    with pytest.raises(BadOption, match="another network"):
        xh.findings(place / "run", network(other))
    with pytest.raises(BadOption, match="begun with a model in memory"):
        xh.findings(place / "run")
    with pytest.raises(OutputError, match="is no run"):
        xh.findings(tmp_path, network())
    with pytest.raises(BadOption, match="most is at least 8"):
        xh.findings(place / "run", network(), most=3)
    old = tmp_path / "old"
    shutil.copytree(place / "run", old)
    said = json.loads((old / "run.json").read_text())
    (old / "run.json").write_text(json.dumps(said | {"format": 0}))
    with pytest.raises(OutputError, match="has the format 0"):
        xh.findings(old, network())


def test_a_run_without_maps_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"nothing")
    run = made(tmp_path / "run", tmp_path / "in")
    with pytest.raises(BadOption, match="has no map of a predicted class"):
        xh.findings(run, network())


def test_pictures_that_are_gone_are_counted_and_all_gone_is_an_error(place, tmp_path):
    shutil.copytree(place / "in", tmp_path / "in")
    path = tmp_path / "in" / "list.csv"
    path.write_text(path.read_text().replace(str(place), str(tmp_path)))
    run = made(tmp_path / "run", path)
    (tmp_path / "in" / "000.png").unlink()
    found = xh.findings(run, network())
    assert found.missing == 1
    assert "000.png" in found.gone["000"]
    assert found.looked == 23
    for left in (tmp_path / "in").glob("*.png"):
        left.unlink()
    shutil.rmtree(tmp_path / "run" / "findings")
    with pytest.raises(InputError, match="None of the pictures"):
        xh.findings(run, network())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,left\n1,2\n", "have the columns id, left"),
        ("id,left,top,right,bottom\n", "hold no row"),
        ("id,left,top,right,bottom\nnobody,1,2,3,4\n", "None|none of their ids"),
        ("id,left,top,right,bottom\n000,1,2,x,4\n", "no box of four numbers"),
        ("id,left,top,right,bottom\n000,9,2,3,4\n", "region of '000' is empty: left 9 to right 3"),
        ("id,left,top,right,bottom\n000,1,2,nan,4\n", "region of '000' is empty"),
        ("id,mask\n000,nowhere.png\n", "mask of '000' can't be read"),
    ],
)
def test_regions_that_are_none_are_refused(place, tmp_path, text, said):
    path = tmp_path / "regions.csv"
    path.write_text(text)
    with pytest.raises(BadOption, match=said):
        xh.findings(place / "run", network(), regions=path)
    with pytest.raises(BadOption, match="can't be read"):
        xh.findings(place / "run", network(), regions=tmp_path / "none.csv")


def test_the_command_writes_says_and_goes_by_its_code(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "xai_heatmap.runners.findings.reopening.opened", lambda _: network()
    )  # a function has no size of its own
    line = ["findings", str(place / "run"), "-m", "net.py:make"]
    assert main([*line, "--out", "out"]) == 1
    said = capsys.readouterr()
    assert "SHORTCUT" in said.out
    assert "wrote out/findings.html" in said.out
    assert (tmp_path / "out" / "findings.json").exists()
    assert main([*line, "--json", "--class", "red"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {one["name"] for one in told["findings"]} == {"red"}
    assert main(["findings", str(place / "in")]) == 4
    assert "is no run" in capsys.readouterr().err
