"""Masks of instances in ONNX files, as their mean logit, beside the models that they came from."""

import io
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
onnx = pytest.importorskip("onnx", reason="needs ONNX")
pytest.importorskip("onnxruntime", reason="needs ONNX")
from test_parts_of_a_box import (  # noqa: E402
    PREPARED,
    RGB,
    SIDE,
    Parts,
    X,
    best,
    map_of,
    score_of_mask,
)

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import UnknownTarget  # noqa: E402

NAMED = str({0: "cat", 1: "dog", 2: "bus"})


def segmented(y, points, weights, prototypes):
    return torch.cat([y, weights], 1), prototypes


def corners(y):
    return torch.cat([y[:, :2] - y[:, 2:4] / 2, y[:, :2] + y[:, 2:4] / 2], 1)


def turned(y, points, weights, prototypes):
    """Boxes as rows, without objectness."""
    return torch.cat([y, weights], 1).transpose(1, 2), prototypes


def with_objectness(y, points, weights, prototypes):
    """As YOLOv5 and YOLOv7 answer, with what they train by behind it."""
    likely = y[:, 4:].max(1, keepdim=True).values
    rows = torch.cat([y[:, :4], likely, y[:, 4:] / likely, weights], 1)
    return rows.transpose(1, 2), prototypes, [prototypes]


def sorted_inside(y, points, weights, prototypes):
    score, label = y[:, 4:].max(1)
    order = score.topk(20).indices
    rows = [corners(y), score[:, None], label[:, None].to(y), weights]
    rows = torch.cat(rows, 1).transpose(1, 2)
    return rows.gather(1, order[..., None].expand(-1, -1, rows.shape[2])), prototypes


def masks_last(y, points, weights, prototypes):
    return torch.cat([y, weights], 1), prototypes.permute(0, 2, 3, 1)


def exported(model, *, named=True, open_axes=False) -> Any:
    kept = io.BytesIO()
    axes = {"images": {0: "n", 2: "rows", 3: "columns"}} if open_axes else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Answers(model),
            (torch.rand(1, 3, SIDE, SIDE),),
            kept,
            dynamo=False,
            input_names=["images"],
            output_names=["output0", "output1"],
            dynamic_axes=axes,
        )
    made = onnx.load_from_string(kept.getvalue())
    entries = {"task": "segment", "names": NAMED, "imgsz": f"[{SIDE}, {SIDE}]"}
    for key, value in entries.items() if named else ():
        made.metadata_props.add(key=key, value=value)
    return made


class Answers(torch.nn.Module):
    """The boxes and the prototypes alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)[:2]


def asked(model, target: Any, image=RGB) -> Any:
    return xh.explain(model, image, preprocess=PREPARED, target=target, method="layercam")


MADE = [
    *(segmented, turned, with_objectness, sorted_inside),
    pytest.param(masks_last, marks=pytest.mark.slow),
]


GRIDS = {(12, 12): "body.fine", (6, 6): "body.middle", (3, 3): "body.coarse"}


@pytest.mark.parametrize("turn", MADE)
def test_a_mask_of_a_file_is_its_mean_logit(turn):
    model = Parts(turn).eval()
    found = asked(exported(model), xh.instance_mask(1))
    query, label = best(model)
    assert found.detection.index == label
    assert found.target.startswith("mask of #1 ")
    layer = GRIDS[found.layer.grid]
    wanted, y = map_of(model, lambda m: score_of_mask(m, query, in_box=True), layer)
    assert found.score == pytest.approx(y, abs=1e-4)
    np.testing.assert_allclose(found.map, wanted, atol=2e-4 * max(wanted.max(), 1e-3))


@pytest.mark.parametrize(
    "turn", [with_objectness, pytest.param(sorted_inside, marks=pytest.mark.slow)]
)
def test_boxes_beside_masks_are_those_of_the_model(turn):
    """Where nobody names the classes either."""
    model = Parts(turn).eval()
    query, label = best(model)
    how = xh.Boxes(objectness=turn is with_objectness)
    if turn is sorted_inside:
        how = xh.Boxes(chosen=True)
    network = xh.network(exported(model, named=False), answers=how)
    found = asked(network, None)
    assert found.detection.index == label
    with torch.no_grad():
        likely = float(model.parts(X)[0][0, 4 + label, query])
    assert found.detection.probability == pytest.approx(likely, abs=1e-5)
    assert asked(network, xh.instance_mask(1)).target.startswith("mask of #1 ")


@pytest.mark.parametrize("turn", [segmented, turned, with_objectness])
def test_a_mask_of_the_model_itself_is_its_mean_logit(turn):
    model = Parts(turn).eval()
    how = xh.Boxes(objectness=turn is with_objectness)
    network = xh.network(model, answers=how, image_shape=(3, SIDE, SIDE))
    query, _ = best(model)
    found = asked(network, xh.instance_mask(1))
    wanted, y = map_of(model, lambda m: score_of_mask(m, query, in_box=True), found.layer.name)
    assert found.score == pytest.approx(y, abs=1e-4)
    np.testing.assert_allclose(found.map, wanted, atol=2e-4 * max(wanted.max(), 1e-3))


def test_what_is_written_for_the_masks_is_no_layer():
    network = xh.network(exported(Parts(segmented).eval()))
    assert not [name for name in network.survey((3, SIDE, SIDE)).layers if "mask" in name]


def test_two_pictures_at_once_have_the_masks_of_one_each():
    """A file for any number of pictures, of any size."""
    model = Parts(segmented).eval()
    network = xh.network(exported(model, open_axes=True), image_shape=(3, SIDE, SIDE))
    pictures = [RGB, 255 - RGB]
    alone = [asked(network, xh.instance_mask(1), image=own) for own in pictures]
    assert alone[0].layer.name == alone[1].layer.name
    x = np.stack(pictures).transpose(0, 3, 1, 2) / np.float32(255)
    found: Any = xh.maps(
        network, x, target=xh.instance_mask(1), layer=alone[0].layer.name, method="layercam"
    )
    np.testing.assert_allclose(found, [one.map for one in alone], atol=1e-5)


def test_prototypes_that_no_weights_belong_to_are_no_masks():
    def other(y, points, weights, prototypes):
        return y, prototypes[:, :1]

    with pytest.raises(UnknownTarget, match="A mask needs a detector that answers masks"):
        asked(exported(Parts(other).eval()), xh.instance_mask(1))
