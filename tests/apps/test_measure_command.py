"""`xai-heatmap measure`."""

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh

ASK = ("-m", "net.py:net", "--preprocess", "imagenet", "--layer", "2")


@pytest.fixture
def mask(place):
    picture = np.array(PIL.Image.open(place / "dog.png").convert("RGB"))
    truth = np.zeros(picture.shape[:2], np.uint8)
    truth[: len(truth) // 2] = 255
    PIL.Image.fromarray(truth).save(place / "mask.png")
    np.save(place / "mask.npy", truth > 0)
    return truth > 0


def test_figures_stand_beside_those_that_know_nothing(cli, mask):
    said = cli("measure", "dog.png", *ASK, "--mask", "mask.png")
    assert said.code == 0
    head, line = (row for row in said.out.splitlines() if row.startswith(("metric ", "energy ")))
    assert head.split() == [
        "metric", "method", "layer", "target", "value", "constant", "random", "better", "passes",
    ]  # fmt: skip
    assert line.split()[:3] == ["energy", "gradcam", "2"]
    assert line.split()[-2:] == ["higher", "0"]


def test_json_says_what_python_says(cli, mask, place):
    own = ("--metric", "overlap", "--metric-option", "overlap.share=0.2", "--method", "eigencam")
    said = cli("measure", "dog.png", *ASK, "--mask", "mask.npy", *own, "--json")
    assert said.code == 0
    (document,) = said.json
    assert list(document) == ["image", "model", "error", "figures", "seconds"]
    (figure,) = document["figures"]
    assert (figure["metric"], figure["method"], figure["layer"]) == ("overlap", "eigencam", "2")
    assert figure["options"] == {"share": 0.2}
    network = xh.network(str(place / "net.py") + ":net")
    (own,) = xh.measure(
        network, place / "dog.png", metrics=["overlap"], methods=["eigencam"], layers="2",
        mask=mask, metric_options={"overlap": {"share": 0.2}}, preprocess="imagenet",
    )  # fmt: skip
    assert figure["value"] == pytest.approx(own.value)


def test_without_a_mask_the_network_is_asked(cli):
    said = cli("measure", "dog.png", *ASK, "--size", "32", "--metric-option", "steps=2",
               "--metric-option", "insertion_deletion.ties=1", "--json")  # fmt: skip
    (figure,) = said.json[0]["figures"]
    assert (figure["metric"], figure["passes"]) == ("insertion_deletion", 4)
    assert figure["options"] == {"steps": 2, "ties": 1}


def test_one_that_can_not_be_read_is_refused_and_the_others_go_on(cli):
    said = cli("measure", "none.png", "dog.png", *ASK, "--metric", "average_drop", "--json")
    assert said.code == 1
    refused, made = said.json
    assert (refused["error"]["code"], refused["figures"]) == ("XH201", [])
    assert made["error"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--metric", "energy"], "XH108", "Give it with --mask FILE"),
        (["--metric", "enrgy"], "XH110", "Did you mean 'energy'?"),
        (["--metric-option", "step"], "XH108", "NAME=VALUE"),
        (["--metric-option", "energy.x=1"], "XH108", "of one of the metrics asked for"),
        (["--metric-option", "steps=0"], "XH108", "at least 1"),
        (["--mask", "dog.png", "dog.png"], "XH108", "the truth of one picture; 2"),
    ],
)
def test_what_can_not_be_measured_is_said_before_the_model_is_opened(cli, words, code, said):
    told = cli("measure", "dog.png", "-m", "net.py:broken", *words)
    assert told.code == 2
    assert told.err.startswith(f"error {code}")
    assert said in told.err
