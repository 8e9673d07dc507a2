"""One question for every way in: what is said of a picture, and how often its network runs."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, UnknownTarget
from xai_heatmap.core.registry import MethodResult, find_method
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import questions
from xai_heatmap.jobs.job import Compare
from xai_heatmap.runners.sheets import sheets
from xai_heatmap.sinks.picture import save_picture

torch = pytest.importorskip("torch")
nn = torch.nn

SIDE = 16
PASSES: list[int] = []
"""Forward passes of `Counting`; what a model keeps of its own is put back as it was."""

STRETCHED = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def batch(image):
    return image.astype(np.float32).transpose(2, 0, 1)[None] / 255


class Counting(nn.Module):
    """Counts its forward passes."""

    def __init__(self, *tail, outputs=4):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.tail = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs), *tail
        )

    def forward(self, x):
        PASSES.append(len(x))
        return self.tail(self.relu(self.conv(x)))


def opened(answers=None, *tail, outputs=3, **options):
    model = Counting(*tail, outputs=outputs).eval()
    return xh.network(model, image_shape=(3, SIDE, SIDE), answers=answers, **options)


NETWORKS = {
    "labels": lambda: opened("labels"),
    "values": lambda: opened("values"),
    "one value": lambda: opened("values", outputs=1),
    "classes": lambda: opened("classes"),
    "one unit": lambda: opened(outputs=1),
    "softmax": lambda: opened(None, nn.Softmax(1)),
    "sigmoid": lambda: opened(None, nn.Sigmoid()),
    "kept": lambda: opened(None, nn.Softmax(1), keep_closing=True),
    "places": lambda: xh.network(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)).eval(),
        image_shape=(3, SIDE, SIDE),
    ),
}


def facts(one):
    said = one.to_dict()
    return {name: said[name] for name in FACTS} | {"notes": one.notes}


FACTS = ("target", "target_index", "score", "meaning", "places", "predictions", "verdict", "layer")


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_old_api_says_what_explain_says(kind):
    network, image = NETWORKS[kind](), picture()
    layer = network.survey((3, SIDE, SIDE)).auto
    target = 0 if kind == "values" else None
    right = xh.explain(network, image, preprocess=STRETCHED, layer=layer, target=target)
    old = xh.XAIHeatmap(network, [layer], target=target)
    old.runTool(image[..., ::-1], batch(image), 0)
    assert facts(old.last) == facts(right)
    assert (old.last.map == right.map).all()


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_tool_says_what_explain_says(kind):
    network, image = NETWORKS[kind](), picture()
    target = 0 if kind == "values" else None
    tool = xh.XVisTool(network, SIDE, preprocess_img_func=STRETCHED, target=target)
    tool.setStillImg(image[..., ::-1])
    result = tool.stillImgRun(0)
    layer = tool.layers[0]
    right = xh.explain(network, image, preprocess=STRETCHED, layer=layer, target=target)
    assert facts(tool.last) == facts(right)
    assert result["predictions"] == right.predictions


def test_filters_are_ranked_for_what_was_declared():
    network, image = opened("values"), picture()
    with pytest.raises(UnknownTarget, match="values"):  # as explain says of three values
        xh.XAIActivations(network, ["relu"]).runTool(batch(image), 0, rank=True)
    tiles = xh.XAIActivations(network, ["relu"], target=1).runTool(batch(image), 0, rank=True)
    assert sorted(tiles.channels) == [0, 1, 2, 3]


def test_a_question_answers_with_the_map_and_can_be_asked_of_other_pictures():
    network, image = opened(), picture()
    given = prepare(image, STRETCHED, network)
    (asked,) = questions(network, given, [2], at=["relu"])
    others = np.stack([given.x, batch(picture(1))[0]])
    own = asked.values(others)
    assert own[0] == pytest.approx(asked.score)
    (right,) = xh.compare(network, image, targets=[2], layers="relu", preprocess=STRETCHED)
    assert right.score == pytest.approx(asked.score)
    known = asked.evidence("relu", {"activation", "gradient"})
    assert np.einsum("k...,k...->...", known.activation, known.gradient) == pytest.approx(
        xh.maps(network, batch(image), method="hirescam", layer="relu", target=2)[0]
    )


def run(folder, network, **asked):
    path = folder / "a.png"
    save_picture(path, picture())
    job = Compare(
        images=(str(path),), model="net", preprocess="unit", fit="stretch", **asked, out=folder
    )
    (made,) = sheets(job, network)
    assert made.error is None
    return made


CHEAP = ("gradcam", "hirescam", "layercam")


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        ({"method": CHEAP, "layer": ("relu",), "target": ("0", "1", "2")}, 1),
        ({"method": CHEAP, "layer": ("auto",), "target": ("top3",)}, 1),
        ({"method": (*CHEAP, "saliency"), "layer": ("auto",), "target": ("top2",)}, 1),
        ({"method": CHEAP, "layer": ("all",), "target": ("1-2", "0")}, 1),
        ({"method": ("gradcam", "fullgrad"), "layer": ("auto",), "target": ("0", "1")}, 2),
    ],
)
def test_a_sheet_takes_one_forward_pass(tmp_path, asked, passes):
    model = Counting().eval()
    network = xh.network(model, image_shape=(3, SIDE, SIDE))
    network.survey((3, SIDE, SIDE))
    PASSES.clear()
    made = run(tmp_path, network, **asked)
    assert len(PASSES) == passes
    assert {cell.verdict.word for line in made.lines.values() for own in line for cell in own.cells}


@pytest.mark.slow
def test_what_refuses_takes_no_forward_pass_more(tmp_path):
    model = Counting().eval()
    network = xh.network(model, image_shape=(3, SIDE, SIDE))
    network.survey((3, SIDE, SIDE))
    PASSES.clear()
    asked = {"method": ("gradcam", "cam", "hirescam"), "layer": ("all",), "target": ("0", "1")}
    made = run(tmp_path, network, **asked)
    refused = [c.method for own in made.lines.values() for line in own for c in line.cells
               if not isinstance(c, xh.Explanation)]  # fmt: skip
    assert set(refused) <= {"cam"}
    assert len(PASSES) <= 3


@pytest.mark.slow
def test_a_sheet_shows_the_maps_that_compare_makes(tmp_path):
    network = opened(outputs=4)
    methods = (*CHEAP, "saliency", "attention_relevance", "fullgrad")
    made = run(tmp_path, network, method=methods, layer=("auto",), target=("0", "top1"))
    for number, line in enumerate(line for lines in made.lines.values() for line in lines):
        for cell in line.cells:
            if cell.method == "attention_relevance":
                assert cell.error.code == "XH141"
                continue
            right = xh.explain(network, picture(), method=cell.method, preprocess=STRETCHED,
                               target=(0, xh.top(1))[number])  # fmt: skip
            assert (cell.map == right.map).all()
            assert facts(cell) == facts(right)


def test_what_no_method_is_to_blame_for_ends_the_sheet(tmp_path):
    network = opened("labels", nn.Softmax(1))
    with pytest.raises(BadOption, match="softmax"):
        run(tmp_path, network, method=CHEAP, layer=("all",), target=("0",))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_figure_that_is_no_number_loses_no_map(tmp_path, wrong):
    network, image = opened(), picture()
    given = prepare(image, STRETCHED, network)
    (asked,) = questions(network, given, [2], at=["relu"])
    method = find_method("hirescam")
    known = asked.evidence("relu", method.needs)
    found = MethodResult(method(known), {"standard error": wrong, "fine": 0.5})
    one = asked.explanation(found, method, known, layer="relu")
    assert one.verdict.figures == {"standard error": None, "fine": 0.5}
    assert any("standard error unknown, fine 0.5" in note for note in one.notes)
    assert all(path.exists() for path in one.save(tmp_path))


def test_a_sheet_of_every_layer_walks_the_modules_no_more_often_than_one_of_one_layer(monkeypatch):
    from xai_heatmap.networks.torch import module_tree

    network, walked = opened("labels"), []
    walk = module_tree.children_of
    monkeypatch.setattr(module_tree, "children_of", lambda root: walked.append(1) or walk(root))

    def walks(layers):
        walked.clear()
        xh.compare(network, picture(), layers=layers, preprocess=STRETCHED, targets=[0, 1])
        return len(walked)

    walks("all")  # the first call surveys
    assert walks("all") == walks("conv") > 0
