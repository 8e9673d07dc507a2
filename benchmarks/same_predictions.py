"""Whether `explain` shows the predictions that a framework's own call gives, on pictures of the
network's size: twelve Keras applications, twelve architectures of torchvision, four ONNX files; and
through somebody's own preprocessing, on photographs of two sizes: the 47 pipelines of `pipelines`.

Weights are random: what is compared is what the network is shown, and how its answer is read.

    python -m benchmarks.same_predictions [keras] [torch] [onnx] [pipelines] [--write]

``--write`` puts what was found of the pipelines into README.md.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import xai_heatmap as xh
from benchmarks import pipelines, tables
from benchmarks.geometry import SIZES

SIDE, CLASSES, ALLOWED = 96, 10, 1e-6

SPREAD = 10
"""Factor of the last layer's random weights, so that probabilities are far from equal."""

PHOTOGRAPH = Path(__file__).parent.parent / "examples" / "images" / "chelsea.jpg"

MARKS = ("<!-- figures: own preprocessing -->", "<!-- end of figures: own preprocessing -->")

KERAS = {
    "MobileNet": "mobilenet", "MobileNetV2": "mobilenet_v2", "MobileNetV3Small": "mobilenet_v3",
    "ResNet50": "resnet50", "ResNet50V2": "resnet_v2", "VGG16": "vgg16",
    "DenseNet121": "densenet", "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2", "InceptionV3": "inception_v3", "Xception": "xception",
    "ConvNeXtTiny": "convnext",
}  # fmt: skip

TORCH = (
    "alexnet", "vgg11_bn", "resnet18", "resnext50_32x4d", "densenet121", "mobilenet_v2",
    "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "mnasnet0_5", "efficientnet_b0",
    "regnet_y_400mf",
)  # fmt: skip

Asked = tuple[str, Any, np.ndarray, np.ndarray, dict[str, Any]]
"""A name, a model, a picture, the right probabilities, and what `explain` is told beside them."""


def picture(side: int = SIDE) -> np.ndarray:
    """A photograph's stand-in, with edges and colours."""
    coarse = np.random.default_rng(0).integers(0, 256, (side // 8, side // 8, 3))
    return coarse.astype(np.uint8).repeat(8, 0).repeat(8, 1)


def of_keras() -> Iterator[Asked]:
    """What `model.predict` says of the picture as the application's own helper prepares it."""
    import keras

    image = picture()
    for name, module in KERAS.items():
        keras.utils.set_random_seed(0)
        make: Callable[..., Any] = getattr(keras.applications, name)
        model = make(weights=None, input_shape=(SIDE, SIDE, 3), classes=CLASSES)
        prepare = getattr(keras.applications, module).preprocess_input
        x = prepare(image[None].astype(np.float32))
        yield name, model, image, np.asarray(model(x, training=False))[0], {}


def of_torch() -> Iterator[Asked]:
    """What the module says of the picture as torchvision makes tensors and normalises."""
    import torch

    from benchmarks.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision import models
    from torchvision.transforms import functional

    image = picture()
    for name in TORCH:
        torch.manual_seed(0)
        model = models.get_model(name, weights=None, num_classes=CLASSES).eval()
        x = functional.normalize(
            functional.to_tensor(image), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        )
        with torch.no_grad():
            right = torch.softmax(model(x[None]), -1)[0].numpy()
        network = xh.network(model, image_shape=(3, SIDE, SIDE))
        yield name, network, image, right, {"preprocess": "imagenet"}


def of_onnx() -> Iterator[Asked]:
    """What onnxruntime says of four networks that PyTorch exports."""
    import io
    import tempfile

    import onnxruntime
    import torch

    from benchmarks.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from torchvision import models

    image = picture()
    x = (image / np.float32(255)).transpose(2, 0, 1)[None]
    folder = Path(tempfile.mkdtemp())
    for name in ("squeezenet1_1", "resnet18", "mobilenet_v2", "shufflenet_v2_x0_5"):
        torch.manual_seed(0)
        model = models.get_model(name, weights=None, num_classes=CLASSES).eval()
        written = io.BytesIO()
        torch.onnx.export(model, (torch.zeros(1, 3, SIDE, SIDE),), written, dynamo=False)
        path = folder / f"{name}.onnx"
        path.write_bytes(written.getvalue())
        session = onnxruntime.InferenceSession(path)
        (scores,) = session.run(None, {session.get_inputs()[0].name: x})
        right = np.exp(scores[0] - scores[0].max())
        yield name, path, image, right / right.sum(), {"preprocess": "unit"}


def of_pipelines() -> Iterator[Asked]:
    """What a small network says of what each pipeline makes of a photograph, called by hand."""
    for group, made in pipelines.GROUPS.items():
        try:
            held = made()
        except ImportError as problem:
            sys.stdout.write(f"{group} is left out: {problem}\n")
            continue
        for name, own in held.items():
            for size in SIZES:
                image = np.asarray(PIL.Image.open(PHOTOGRAPH).resize(size[::-1]))
                said = f"{group}: {name}, {size[0]}x{size[1]}"
                model, right = (_in_keras if group == "keras" else _in_torch)(own, image)
                yield said, model, image, right, {"preprocess": own}


def _in_torch(own: Any, image: np.ndarray) -> tuple[Any, np.ndarray]:
    import torch
    from torch import nn

    picture = PIL.Image.fromarray(image)
    if hasattr(own, "image_mean") or hasattr(own, "preprocess"):
        x = own(images=picture, return_tensors="pt")["pixel_values"][0]
    else:
        x = torch.as_tensor(np.ascontiguousarray(own(picture)))
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(len(x), 8, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(8 * 16, CLASSES),
    ).eval()  # fmt: skip
    with torch.no_grad():
        model[4].weight.mul_(SPREAD)
        return model, torch.softmax(model(x[None].float()), -1)[0].numpy()


def _in_keras(own: Any, image: np.ndarray) -> tuple[Any, np.ndarray]:
    import keras

    keras.utils.set_random_seed(0)
    x = own(image[None].astype(np.float32))
    given = keras.Input((*x.shape[1:3], 3))
    a = keras.layers.Conv2D(8, 5, strides=4, activation="relu")(given)
    pooled = keras.layers.GlobalAveragePooling2D()(a)
    model = keras.Model(given, keras.layers.Dense(CLASSES, activation="softmax")(pooled))
    return model, np.asarray(model(x, training=False))[0]


GROUPS = {"keras": of_keras, "torch": of_torch, "onnx": of_onnx, "pipelines": of_pipelines}


def difference(model: Any, image: np.ndarray, right: np.ndarray, asked: dict[str, Any]) -> float:
    """The largest one among the likeliest classes."""
    e = xh.explain(model, image, method="eigencam", **asked)
    return max(abs(float(p.probability) - float(right[p.index])) for p in e.predictions)


def main(groups: list[str]) -> int:
    """A row for each network; the exit status says whether all are within what is allowed."""
    worst, rows = 0.0, list[tuple[str, float]]()
    for group in [one for one in groups if one != "--write"] or list(GROUPS):
        for name, model, image, right, asked in GROUPS[group]():
            found = difference(model, image, right, asked)
            worst = max(worst, found)
            rows += [(name, found)] if group == "pipelines" else []
            sys.stdout.write(f"| {group} | {name} | {found:.1e} |\n")
            sys.stdout.flush()
    sys.stdout.write(f"largest difference {worst:.1e}, allowed {ALLOWED:.0e}\n")
    if "--write" in groups and rows:
        write(rows)
    return int(worst > ALLOWED)


def write(rows: list[tuple[str, float]]) -> None:
    """Put a table into README.md: of each package, how many pipelines, and the worst of them."""
    by_group: dict[str, list[float]] = {}
    for name, found in rows:
        by_group.setdefault(name.partition(":")[0], []).append(found)
    lines = [
        [group, len(found) // len(SIZES), len(found), f"{max(found):.1e}"]
        for group, found in by_group.items()
    ]
    head = ["package", "pipelines", "photographs", "largest difference of a probability"]
    text = tables.table(head, [[str(cell) for cell in line] for line in lines])
    tables.put(Path(__file__).with_name("README.md"), MARKS, text)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main(sys.argv[1:]))
