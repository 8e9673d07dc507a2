"""Detectors that answer steps from anchors, as Keras hub's RetinaNet does."""

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs Keras")

import xai_heatmap as xh  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE, CLASSES, STRIDES = 64, 3, (8, 16)
PREPARED = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


class Anchors:
    """One square anchor twice as wide as a place is, at every place of every level."""

    bounding_box_format = "xyxy"

    def __call__(self, images: Any) -> dict[str, Any]:
        found = {}
        for stride in STRIDES:
            at = (np.arange(SIDE // stride) + 0.5) * stride
            y, x = (one.ravel() for one in np.meshgrid(at, at, indexing="ij"))
            own = np.stack([x - stride, y - stride, x + stride, y + stride], axis=1)
            found[f"P{stride}"] = keras.ops.convert_to_tensor(own.astype(np.float32))
        return found


@pytest.fixture(scope="module")
def detector() -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((SIDE, SIDE, 3))
    fine = keras.layers.Conv2D(6, 8, 8, activation="relu", name="fine")(x)
    coarse = keras.layers.Conv2D(6, 2, 2, activation="relu", name="coarse")(fine)
    scores, steps = [], []
    for value in (fine, coarse):
        one = keras.layers.Conv2D(CLASSES, 1)(value)
        scores.append(keras.layers.Reshape((-1, CLASSES))(one))
        steps.append(keras.layers.Reshape((-1, 4))(keras.layers.Conv2D(4, 1)(value)))
    answers = {
        "bbox_regression": keras.layers.Concatenate(axis=1)(steps),
        "cls_logits": keras.layers.Concatenate(axis=1)(scores),
    }
    model = keras.Model(x, answers)
    model.anchor_generator = Anchors()
    return model


def by_hand(model: Any) -> tuple[float, int, list[float]]:
    """Logit, class and corners of the likeliest box: each step is in widths of its anchor."""
    answered = model(RGB[None] / np.float32(255), training=False)
    scores = np.asarray(keras.ops.convert_to_numpy(answered["cls_logits"]))[0]
    steps = np.asarray(keras.ops.convert_to_numpy(answered["bbox_regression"]))[0]
    query, own = np.unravel_index(scores.argmax(), scores.shape)
    stride = STRIDES[0] if query < (SIDE // STRIDES[0]) ** 2 else STRIDES[1]
    place = query if stride == STRIDES[0] else query - (SIDE // STRIDES[0]) ** 2
    row, column = divmod(int(place), SIDE // stride)
    right, down, wider, higher = map(float, steps[query])
    x = (column + 0.5) * stride + right * 2 * stride
    y = (row + 0.5) * stride + down * 2 * stride
    width, height = 2 * stride * np.exp(wider), 2 * stride * np.exp(higher)
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return float(scores[query, own]), int(own), corners


def test_boxes_are_made_of_the_anchors_that_the_model_brings(detector: Any) -> None:
    found: Any = xh.explain(detector, RGB, preprocess=PREPARED)
    score, own, corners = by_hand(detector)
    assert found.detection.index == own
    assert found.score == pytest.approx(score, abs=1e-4)
    clipped = np.clip(corners, 0, SIDE)
    np.testing.assert_allclose(np.clip(found.detection.box, 0, SIDE), clipped, atol=1e-2)
    assert found.layer.name in ("fine", "coarse")
    assert "stride" in found.layer_reason
    assert np.abs(found.map).max() > 0


def test_without_anchors_the_steps_are_no_boxes(detector: Any) -> None:
    plain = keras.Model(detector.input, detector.output)
    network = xh.network(plain)
    assert network.survey((3, SIDE, SIDE)).queries is None
