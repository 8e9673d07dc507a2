"""What the numbers are that a network answers: classes, labels, values, an embedding."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
import xai_heatmap.methods  # noqa: E402
from xai_heatmap.core.errors import BadOption, NotAModel, UnknownTarget  # noqa: E402
from xai_heatmap.core.registry import METHODS  # noqa: E402
from xai_heatmap.core.targets.answer import Answer  # noqa: E402
from xai_heatmap.testing.conformance import SHAPE, images  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import Plain  # noqa: E402
from xai_heatmap.testing.short_options import SHORT  # noqa: E402

ROW = np.array([0.5, 3.0, -1.0], np.float32)
UNIT = xh.Preprocess(mode="unit", input_size=SHAPE[1:], fit="stretch")


def plain(*closing: nn.Module, classes: int = 4) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(Plain(classes), *closing).eval()


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)


def sigmoid(number: float) -> float:
    return 1 / (1 + np.exp(-number))


def test_probability_of_a_label_is_its_own_sigmoid():
    network = xh.network(plain(nn.Sigmoid()), image_shape=SHAPE)
    found = xh.explain(
        network, picture(), target=xh.probability(2), preprocess=UNIT, layer="0.relu"
    )
    logit = network.record(UNIT(picture())[0][None]).scores[0, 2]
    assert found.score == pytest.approx(sigmoid(logit), rel=1e-5)
    shown = {p.index: p.probability for p in found.predictions}
    assert found.score == pytest.approx(shown[2], rel=1e-5)


def test_labels_may_be_said_of_a_model_that_ends_in_logits():
    model = plain()
    x = images(1)
    logit = xh.network(model, image_shape=SHAPE).record(x).scores[0, 1]
    said = xh.network(model, image_shape=SHAPE, answers="labels")
    found = xh.explain(said, picture(), target=xh.probability(1), preprocess=UNIT, layer="0.relu")
    likely = {p.index: p.probability for p in found.predictions}
    assert likely[1] == pytest.approx(found.score, rel=1e-5)
    assert sum(likely.values()) != pytest.approx(1, abs=0.01)
    gradient = xh.maps(said, x, method="saliency", layer="input", target=xh.probability(1))
    plainly = xh.maps(said, x, method="saliency", layer="input", target=1)
    slope = sigmoid(logit) * (1 - sigmoid(logit))
    np.testing.assert_allclose(gradient, plainly * slope, rtol=1e-4)


@pytest.mark.parametrize(
    ("answer", "index", "value", "slope"),
    [
        (Answer(ROW, kind="labels"), 1, sigmoid(3.0), sigmoid(3.0) * sigmoid(-3.0)),
        (Answer(ROW[:1]), 1, sigmoid(0.5), sigmoid(0.5) * sigmoid(-0.5)),
        (Answer(ROW[:1]), 0, sigmoid(-0.5), -sigmoid(0.5) * sigmoid(-0.5)),
        (Answer(np.float32([0.2, 0.8]), meaning="probabilities"), 1, 0.8, 1),
        (Answer(np.float32([0.2]), meaning="probabilities"), 1, 0.2, 1),
        (Answer(np.float32([0.2]), meaning="probabilities"), 0, 0.8, -1),
    ],
)
def test_probability_is_read_as_the_scores_are_meant(answer, index, value, slope):
    target = xh.probability(index)(answer)
    rows = answer.scores[None]
    assert target.value(rows)[0] == pytest.approx(value)
    found = target.cotangent(rows)[0]
    assert found[index if len(found) > 1 else 0] == pytest.approx(slope, rel=1e-5)
    assert np.count_nonzero(found) == 1


def test_a_value_is_no_logit():
    network = xh.network(plain(classes=1), image_shape=SHAPE, answers="values")
    found = xh.explain(network, picture(), preprocess=UNIT, layer="0.relu", method="hirescam")
    logit = xh.network(plain(classes=1), image_shape=SHAPE).record(UNIT(picture())[0][None])
    assert found.score == pytest.approx(float(logit.scores[0, 0]))
    assert (found.target, found.index, found.predictions) == ("the value", 0, ())
    assert found.meaning == "values"
    assert "no class" in " ".join(found.notes)
    assert "the_value" in found.stem
    found._repr_html_()
    less = xh.explain(
        network,
        picture(),
        preprocess=UNIT,
        layer="0.relu",
        target=xh.negative(0),
        method="hirescam",
    )
    np.testing.assert_allclose(less.map, -found.map)


def test_a_value_after_a_sigmoid_is_explained_as_it_stands():
    network = xh.network(plain(nn.Sigmoid(), classes=1), image_shape=SHAPE, answers="values")
    x = images(1)
    with torch.no_grad():
        wanted = plain(nn.Sigmoid(), classes=1)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(network.record(x).scores, wanted, rtol=1e-5)


def test_one_of_several_values_has_to_be_named():
    network = xh.network(plain(), image_shape=SHAPE, answers="values")
    with pytest.raises(UnknownTarget, match="0 to 3"):
        xh.maps(network, images(1), layer="0.relu")
    assert xh.maps(network, images(1), layer="0.relu", target=3).shape == (1, 6, 6)
    with pytest.raises(UnknownTarget, match="no probability"):
        xh.maps(network, images(1), layer="0.relu", target=xh.probability(3))


def test_a_model_that_answers_one_number_an_image():
    class Flat(Plain):
        def answer(self, logits):
            return logits[:, 0]

    network = xh.network(Flat(), image_shape=SHAPE, answers="values")
    assert network.record(images(3)).scores.shape == (3, 1)
    assert xh.maps(network, images(3), layer="relu").shape == (3, 6, 6)


def test_a_function_may_answer_a_value():
    network = xh.network(lambda x: x.mean(axis=(1, 2, 3)) - 1, answers="values")
    found = xh.maps(network, images(2), method="occlusion", options=SHORT["occlusion"])
    assert found.shape == (2, 8, 8)


def test_kinds_of_answers_have_names():
    with pytest.raises(BadOption, match="Did you mean 'values'"):
        xh.network(plain(), answers="value")
    with pytest.raises(NotAModel, match="are given where a model becomes"):
        xh.network(xh.network(plain()), answers="values")


def test_transformers_say_what_their_outputs_are():
    class Config:
        problem_type = "multi_label_classification"
        image_size = 8

    model = plain()
    model.config = Config()
    assert xh.network(model).declared.answers == "labels"
    Config.problem_type = "regression"
    assert xh.network(plain_with(Config()), image_shape=SHAPE).declared.answers == "values"


def plain_with(config: object) -> nn.Module:
    model = plain()
    model.config = config
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, method in METHODS.items() if "attentions" not in method.needs]
)
def test_every_method_explains_likeness_and_a_batch_is_its_images(name):
    network = xh.network(plain(), image_shape=SHAPE)
    x, other = images(2), images(1, seed=5)
    target = xh.likeness(network.record(other).scores[0])
    layer = "auto" if METHODS[name].auto == "input" else "0.relu"
    options = {"method": name, "layer": layer, "target": target, "options": SHORT.get(name, {})}
    together = xh.maps(network, x, **options)
    alone = [xh.maps(network, one[None], **options)[0] for one in x]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together).max() > 0
