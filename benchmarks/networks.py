"""The networks that are measured, and the pictures that they are shown."""

import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Subject:
    """A network that is measured.

    Parameters
    ----------
    title
        As the tables call it.
    preprocess
        What `reference_models.py` calls its preprocessing.
    torch_file, keras_file
        Its weights in the reference folder; None for random ones.
    """

    title: str
    preprocess: str = "imagenet"
    torch_file: str | None = None
    keras_file: str | None = None

    @property
    def trained(self) -> bool:
        """Whether its weights come from the reference folder."""
        return self.torch_file is not None


SUBJECTS = {
    "squeezenet": Subject(
        "SqueezeNet 1.1",
        torch_file="squeezenet1_1_torchvision.safetensors",
        keras_file="squeezenet1_1.keras",
    ),
    "mobilenet": Subject(
        "MobileNet v1 0.25",
        preprocess="tf",
        torch_file="mobilenet_v1_025_224_torch.safetensors",
        keras_file="mobilenet_v1_025_224.keras",
    ),
    "resnet50": Subject("ResNet-50"),
    "mobilenet_v2": Subject("MobileNetV2"),
    "vgg19": Subject("VGG19"),
}


class NoReference(Exception):
    """The folder of trained networks and photographs is not there."""


def reference() -> Path:
    """The folder of trained networks and photographs."""
    named = os.environ.get("XAI_HEATMAP_REFERENCE")
    folder = Path(named) if named else ROOT.parent / "shared" / "reference"
    if not (folder / "reference_models.py").is_file():
        raise NoReference("needs the reference networks: XAI_HEATMAP_REFERENCE names their folder")
    return folder


def torch_model(name: str) -> Any:
    """The network in PyTorch, in evaluation mode; ``deit_tiny`` is the reference's transformer."""
    subject = SUBJECTS.get(name, Subject(name))
    if subject.torch_file:
        builders = {"squeezenet": "squeezenet_torch", "mobilenet": "mobilenet_v1_torch"}
        return getattr(_loaders(), builders[name])(reference() / "models" / subject.torch_file)
    if name == "deit_tiny":
        return _loaders().deit_tiny_clipped(reference() / "models" / "deit_tiny_clipped.npz")
    from benchmarks import architectures

    return getattr(architectures, name)()


def keras_model(name: str) -> Any:
    """The network in Keras, on whatever backend Keras runs."""
    import keras

    subject = SUBJECTS[name]
    if subject.keras_file:
        return _loaders().keras_model(reference() / "models" / subject.keras_file)
    keras.utils.set_random_seed(0)
    own = keras.applications
    made = {"resnet50": own.ResNet50, "mobilenet_v2": own.MobileNetV2, "vgg19": own.VGG19}
    make = made[name]
    return make(weights=None)


def photographs() -> list[Path]:
    """The reference photographs."""
    images = (reference() / "images").iterdir()
    return sorted(path for path in images if path.suffix.lower() in {".jpg", ".jpeg"})


def batch(name: str, count: int, *, channels_last: bool) -> np.ndarray:
    """So many preprocessed pictures: the photographs in turn, or noise where there are none."""
    try:
        kind = SUBJECTS[name].preprocess
        paths = photographs()
        x = np.stack([_preprocessed(paths[i % len(paths)], kind) for i in range(count)])
    except NoReference:
        x = np.random.default_rng(0).normal(size=(count, 224, 224, 3)).astype(np.float32)
    return np.ascontiguousarray(x if channels_last else np.moveaxis(x, -1, 1))


@cache
def _preprocessed(path: Path, kind: str) -> np.ndarray:
    from PIL import Image

    return preprocessed(Image.open(path), kind)


def preprocessed(picture: Any, kind: str) -> np.ndarray:
    """A Pillow image as the trained networks take it, (H, W, 3), by the reference's own code."""
    return _loaders().preprocess(picture, kind)


@cache
def _loaders() -> Any:
    """`reference_models.py`, which lies beside the weights."""
    path = reference() / "reference_models.py"
    specification = importlib.util.spec_from_file_location("reference_models", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
