"""One sheet: methods beside each other, layers below each other."""

import numpy as np
import PIL.Image
import pytest

DEEP = """
from torch import nn

def deep():
    blocks = [
        nn.Sequential(nn.Conv2d(2 if i else 3, 2, 3, padding=1), nn.ReLU()) for i in range(9)
    ]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
"""


@pytest.fixture
def compare(cli):
    def call(*words, images=("dog.png",), model="net.py:net"):
        always = ("--model", model, "--preprocess", "imagenet", "--size", "32x48")
        return cli("compare", *images, *always, *words)

    return call


def cells(said, which=0):
    return [[cell["method"], cell["layer"], cell["error"]] for row in said.json[which]["rows"]
            for cell in row["cells"]]  # fmt: skip


def test_a_row_a_layer_and_a_column_a_method(compare, place):
    said = compare("--methods", "gradcam,eigencam", "--layers", "all", "--json")
    assert said.code == 0, said.out
    assert cells(said) == [[m, n, None] for n in "012" for m in ("gradcam", "eigencam")]
    (sheet,) = said.json[0]["sheets"]
    assert sheet == "heatmaps/dog.compare.png"
    with PIL.Image.open(place / sheet) as page:
        assert page.width > 600


def test_without_methods_there_are_four(compare):
    said = compare("--json")
    assert said.json[0]["methods"] == ["gradcam", "layercam", "gradcam_pp", "ablationcam"]
    assert [row["layer"] for row in said.json[0]["rows"]] == ["auto"]


@pytest.mark.slow
def test_methods_and_layers_are_repeatable_and_take_commas(compare):
    several = compare(
        "--method", "gradcam", "--methods", "eigencam, fem", "--layers", "0,-1", "--json"
    )
    assert several.json[0]["methods"] == ["gradcam", "eigencam", "fem"]
    assert [row["layer"] for row in several.json[0]["rows"]] == ["0", "2"]
    glob = compare("--methods", "gradcam", "--layers", "[0,1]", "--json")
    assert [row["layer"] for row in glob.json[0]["rows"]] == ["0", "1"]


@pytest.mark.slow
def test_a_method_that_refuses_a_layer_leaves_the_others_alone(compare):
    words = ("--methods", "cam,gradcam", "--layers", "all")
    said = compare(*words, "--json")
    assert said.code == 0
    found = cells(said)
    refused = {layer for method, layer, error in found if error}
    assert refused == {"0", "1"}
    assert all(method == "cam" and error["code"] == "XH108" for method, _, error in found if error)
    assert "2" in {layer for method, layer, error in found if method == "cam" and not error}
    told = compare(*words).out
    assert "refused  cam at 0 and 1 more: cam needs a layer behind which" in told
    assert "maps     3 layers x 2 methods, 4 ok" in told or "verdict" in told


def test_where_all_is_refused_the_call_fails_as_the_method_says(compare):
    said = compare("--methods", "cam", "--layers", "0,1")
    assert said.code == 2
    assert said.err.startswith("error XH108: cam needs a layer")


def test_what_no_method_is_to_blame_for_is_said_once(compare):
    said = compare("--methods", "gradcam,cam", "--layers", "all", "--target", "7")
    assert said.code == 2
    assert said.err.startswith("error XH105")
    assert compare("--layers", "7").err.startswith("error XH102")
    assert compare("--methods", "gradcan").err.startswith("error XH104")
    assert compare("--methods", "gradcam", "--option", "eigencam.x=1").code == 2


@pytest.mark.slow
def test_too_many_layers_are_spread_and_more_go_on_further_pages(compare, place):
    (place / "deep.py").write_text(DEEP)
    said = compare("--methods", "eigencam", "--layers", "all", "--json", model="deep.py:deep")
    every = [name for row in said.json[0]["rows"] for name in (row["layer"], *row["same"])]
    assert len(every) == 12
    assert said.json[0]["left_out"] == 15
    assert {str(i) for i in range(9)} <= set(every)
    all_of_them = compare(
        "--layers", "all", "--rows", "27", "--methods", "eigencam", model="deep.py:deep"
    )
    assert "27 layers x 1 method" in all_of_them.out
    assert "dog.compare.2.png" in all_of_them.out
    assert (place / "heatmaps" / "dog.compare.2.png").exists()
    named = ",".join(f"{i}.0" for i in range(9))
    few = compare("--layers", f"{named},all", "--rows", "1", "--json", model="deep.py:deep")
    told = {name for row in few.json[0]["rows"] for name in (row["layer"], *row["same"])}
    assert set(named.split(",")) <= told


@pytest.mark.slow
def test_layers_of_one_array_share_a_row(compare, place):
    (place / "deep.py").write_text(DEEP)
    said = compare(
        "--layers", "3,3.1,4", "--methods", "gradcam,eigencam", "--json", model="deep.py:deep"
    )
    assert [row["same"] for row in said.json[0]["rows"]] == [["3"], []]


@pytest.mark.slow
def test_pixel_methods_stand_beside_the_others_at_auto(compare):
    said = compare("--methods", "gradcam,saliency", "--json")
    assert cells(said) == [["gradcam", "2", None], ["saliency", "input", None]]
    explicit = compare("--methods", "gradcam,saliency", "--layers", "1", "--json")
    assert cells(explicit) == [["gradcam", "1", None], ["saliency", "1", None]]


@pytest.mark.slow
def test_every_target_has_its_rows(compare):
    said = compare("--target", "top2", "--methods", "gradcam", "--labels", "labels.csv", "--json")
    assert len({row["target"] for row in said.json[0]["rows"]}) == 2
    told = compare("--target", "top2", "--methods", "gradcam", "--labels", "labels.csv").out
    assert told.count("\ntarget ") == 2


def test_options_reach_their_method_alone(compare):
    said = compare("--methods", "gradcam,layercam", "--option", "relu=false", "--json")
    options = [cell["options"] for row in said.json[0]["rows"] for cell in row["cells"]]
    assert options == [{"relu": False}, {}]


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--colormap", "viridis"], ["--alpha", "0.2"], ["--contour"]])
def test_every_drawing_flag_is_heeded(compare, place, flags):
    compare("--methods", "gradcam", "--layers", "1")
    plain = np.asarray(PIL.Image.open(place / "heatmaps" / "dog.compare.png"))
    compare("--methods", "gradcam", "--layers", "1", *flags, "--out", "other")
    assert not np.array_equal(
        plain, np.asarray(PIL.Image.open(place / "other" / "dog.compare.png"))
    )


@pytest.mark.slow
def test_a_large_photograph_is_drawn_no_larger_than_it_is_shown(compare, place, monkeypatch):
    from xai_heatmap.explaining.explanation import Explanation

    drawn = []
    overlay = Explanation.overlay
    monkeypatch.setattr(
        Explanation, "overlay", lambda self, **how: drawn.append(self) or overlay(self, **how)
    )
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(place / "large.png")
    assert compare("--methods", "gradcam,layercam", images=("large.png",)).code == 0
    assert {one.image.shape for one in drawn} == {(390, 520, 3)}
    assert {one.geometry.image_size for one in drawn} == {(390, 520)}


@pytest.mark.slow
def test_a_broken_picture_is_one_of_several(compare, place):
    (place / "broken.png").write_text("not a picture")
    said = compare("--json", images=("broken.png", "dog.png"))
    assert said.code == 1
    assert [one["error"] and one["error"]["code"] for one in said.json] == ["XH202", None]
    assert set(said.json[0]) == set(said.json[1])
    told = compare(images=("broken.png",))
    assert told.code == 4
    assert told.err.startswith("error XH202: ")


def test_without_a_picture_or_a_model_it_is_usage(cli):
    assert cli("compare").code == 2
    assert cli("compare", "dog.png").code == 2


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_layercam_finds_the_fish_at_every_depth_of_a_trained_network(reference, cli):
    said = cli(
        "compare", str(reference / "images" / "n01443537_goldfish.JPEG"),
        "--model", str(reference / "models" / "squeezenet1_1.onnx"),
        "--preprocess", "imagenet", "--methods", "layercam,cam", "--layers", "all", "--json",
    )  # fmt: skip
    assert said.code == 0, said.out
    rows = said.json[0]["rows"]
    assert said.json[0]["left_out"] > 40
    assert {row["cells"][0]["verdict"]["word"] for row in rows} == {"ok"}
    assert [bool(row["cells"][1]["error"]) for row in rows] == [True] * (len(rows) - 1) + [False]
