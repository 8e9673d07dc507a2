"""`xai-heatmap report`: pictures, or a run, as a page."""

import json
import re

import pytest

from xai_heatmap.runners.batch.folder import read_run
from xai_heatmap.runners.batch.stored import StoredRun


def held(path):
    found = re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"))
    return json.loads(found[1])


@pytest.fixture
def report(cli):
    def call(*words, images=("dog.png",)):
        always = ("--model", "net.py:net", "--preprocess", "imagenet", "--size", "32x48")
        return cli("report", *images, *always, *words)

    return call


@pytest.mark.slow
def test_a_page_holds_methods_layers_and_classes(report, place):
    said = report(
        "--methods", "gradcam,hirescam", "--target", "top2", "-o", "deep/x.html", "--json"
    )
    assert said.code == 0, said.err
    assert said.json == {"pages": ["deep/x.html"], "pictures": 1, "errors": []}
    page = held(place / "deep" / "x.html")
    assert [one["name"] for one in page["methods"]] == ["gradcam", "hirescam"]
    assert [one["name"] for one in page["layers"]] == ["0", "1", "2"]
    assert len({one["target"]["words"] for one in page["packets"]}) == 2
    assert len(page["packets"]) == 4
    assert all(len(one["maps"]) == 3 for one in page["packets"])


def test_fewer_rows_and_a_title(report, place):
    said = report("--rows", "2", "--title", "mine", "--methods", "gradcam")
    assert "--rows 3" in said.out
    page = held(place / "report.html")
    assert page["title"] == "mine"
    assert len(page["layers"]) == 2


def test_what_cannot_be_read_is_said_and_left_out(report, place):
    said = report("--methods", "gradcam", images=("dog.png", "none.png"))
    assert said.code == 1
    assert "XH201" in said.err
    assert [one["name"] for one in held(place / "report.html")["pictures"]] == ["dog.png"]
    assert report(images=("none.png",)).code == 4


def test_a_folder_of_pictures_is_told_what_to_write(cli, place):
    (place / "in").mkdir()
    (place / "dog.png").rename(place / "in" / "dog.png")
    for command in ("report", "explain", "compare", "measure"):
        said = cli(command, "in", "--model", "none.onnx")
        assert (said.code, said.out) == (4, "")
        assert "in/*.png" in said.err
        assert "xai-heatmap batch in --model MODEL --out RUN" in said.err


def test_nothing_to_show_says_what_to_write(cli, place):
    assert "xai-heatmap report PICTURE --model MODEL" in cli("report").err
    assert "--model FILE (.onnx, .keras, .h5)" in cli("report", "dog.png").err


@pytest.mark.slow
def test_a_page_that_is_there_is_written_again(report, place):
    (place / "report.html").write_text("before")
    (place / "folder.html").mkdir()
    assert report("--methods", "gradcam", "--rows", "1").code == 0
    assert len(held(place / "report.html")["layers"]) == 1
    assert "'folder.html' is a folder" in report("-o", "folder.html").err
    assert "'net.py' is a file" in report("-o", "net.py/x.html").err


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_a_page_is_what_reports_write(cli, place, command):
    said = cli(command, "dog.png", "--model", "net.py:net", "-o", "x.html")
    assert said.code == 2
    assert "report PICTURE --model MODEL --out NAME.html" in said.err
    assert not (place / "x.html").exists()


def test_a_page_has_the_ending_of_one(report):
    said = report("-o", "folder")
    assert said.code == 2
    assert "--out NAME.html" in said.err


def test_a_run_is_shown_by_its_least_sure_rows(cli, place):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    always = ("--model", "net.py:net", "--preprocess", "imagenet", "--size", "32x48")
    assert cli("batch", "dog.png", *always, "-o", "run").code == 0
    said = cli("report", "run", "-o", "run.html")
    assert said.code == 0, said.err
    page = held(place / "run.html")
    assert [one["name"] for one in page["pictures"]] == ["dog.png"]
    assert "1 of 1 row," in page["intro"][0]
    assert StoredRun(read_run(place / "run")).report(place / "again.html") == [place / "again.html"]
    assert held(place / "again.html") == page


def test_a_run_with_flags_that_change_nothing_is_refused(cli, place):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    (place / "none.png").write_bytes(b"")
    always = ("--model", "net.py:net", "--preprocess", "imagenet", "--size", "32x48")
    assert cli("batch", "none.png", *always, "-o", "run").code == 1
    said = cli("report", "run", "--methods", "hirescam", "-m", "net.py:net", "--title", "mine")
    assert said.code == 2
    assert "so --model, --methods would change nothing" in said.err
    assert "is a run. Name it alone." in cli("report", "dog.png", "run", *always).err
    said = cli("report", "run", "-o", "run.html")
    assert said.code == 2
    assert "No row of 'run' has a map" in said.err


@pytest.mark.parametrize(("classes", "shown"), [(5, 3), (2, 2), (1, 2)])
def test_as_many_classes_are_shown_as_the_network_tells_apart(report, place, classes, shown):
    net = (place / "net.py").read_text("utf-8")
    few = f"""
def few():
    torch.manual_seed(0)
    nn = torch.nn
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, {classes})]
    return nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), *head).eval()
"""
    (place / "few.py").write_text(net + few, "utf-8")
    usual = "--model", "few.py:few", "--methods", "gradcam", "--rows", "1"
    said = report(*usual)
    assert said.code == 0, said.err
    assert len({one["target"]["words"] for one in held(place / "report.html")["packets"]}) == shown
    if classes == 2:
        asked = report(*usual, "--target", "top3")
        assert asked.code == 2
        assert "1 to 2" in asked.err
