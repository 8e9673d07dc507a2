"""The peers' Grad-CAM, called as their own documentation does, for the same layer and class.

They stand in a folder of their own (``make bench`` fills it), which only benchmarks look into.
A peer leaves hooks in the model it is given, so each gets a copy.
"""

import copy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reasons import reason

FOLDER = Path(sys.prefix) / "peers"

Maps = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Case:
    """What every row of a table explains: these pictures, at this layer, for this class."""

    model: Any
    x: np.ndarray
    layer: str
    target: int


@dataclass(frozen=True)
class Peer:
    """A peer's maps for a case, or why there are none."""

    name: str
    maps: Maps | None
    reason: str = ""


Make = Callable[[Case], Maps]


def prepared(makers: Mapping[str, Make], case: Case) -> list[Peer]:
    """Each peer, tried once."""
    visible()
    found = []
    for name, make in makers.items():
        try:
            maps = make(case)
            maps()
            found.append(Peer(titled(name), maps))
        except Exception as error:  # noqa: BLE001 - whatever stops a peer is what the table says
            found.append(Peer(titled(name), None, reason(error)))
    return found


def titled(name: str) -> str:
    """A peer's name with its version."""
    try:
        return f"{name} {version(DISTRIBUTIONS[name])}"
    except PackageNotFoundError:
        return name


DISTRIBUTIONS = {
    "pytorch-grad-cam": "grad-cam",
    "torch-cam": "torchcam",
    "Captum": "captum",
    "tf-keras-vis": "tf-keras-vis",
    "Xplique": "xplique",
}


def pytorch_grad_cam(case: Case) -> Maps:
    """Maps at the size of the picture, scaled to [0, 1]: it offers no others."""
    from benchmarks.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model, layer = copied(case)
    cam = GradCAM(model=model, target_layers=[layer])
    targets = [ClassifierOutputTarget(case.target)] * len(case.x)
    picture = _pictures(case)
    return lambda: cam(input_tensor=picture(), targets=targets)


def torch_cam(case: Case) -> Maps:
    """Maps at the size of the layer, scaled to [0, 1]."""
    from torchcam.methods import GradCAM

    model, layer = copied(case)
    extractor, picture = GradCAM(model, layer), _pictures(case)
    return lambda: extractor(case.target, model(picture()))[0].float().cpu().numpy()


def captum(case: Case) -> Maps:
    """Maps at the size of the layer."""
    from captum.attr import LayerGradCam

    model, layer = copied(case)
    cam, picture = LayerGradCam(model, layer), _pictures(case)

    def maps() -> np.ndarray:
        found = cam.attribute(picture(), target=case.target, relu_attributions=True)
        return found[:, 0].detach().float().cpu().numpy()

    return maps


def tf_keras_vis(case: Case) -> Maps:
    """Maps at the size of the layer; of the logit where the peer's own helper finds it."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    ends_in_its_activation = hasattr(case.model.layers[-1], "activation")
    modifier = ReplaceToLinear() if ends_in_its_activation else None
    cam = Gradcam(case.model, model_modifier=modifier, clone=True)
    score = CategoricalScore([case.target] * len(case.x))
    how = {"seek_penultimate_conv_layer": False, "expand_cam": False, "normalize_cam": False}
    return lambda: np.asarray(cam(score, case.x, penultimate_layer=case.layer, **how))


def without_tensorflow(case: Case) -> Maps:
    """tf-keras-vis differentiates with TensorFlow's tape."""
    raise NotImplementedError(f"{case.model.name} is not on TensorFlow, which the peer needs")


TORCH: Mapping[str, Make] = {
    "pytorch-grad-cam": pytorch_grad_cam,
    "torch-cam": torch_cam,
    "Captum": captum,
}
TENSORFLOW: Mapping[str, Make] = {"tf-keras-vis": tf_keras_vis}
OTHER_KERAS: Mapping[str, Make] = {"tf-keras-vis": without_tensorflow}


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two batches of maps, each scaled to [0, 1]."""
    if ours.shape != theirs.shape:
        from pytorch_grad_cam.utils.image import scale_cam_image

        ours = scale_cam_image(ours, theirs.shape[:0:-1])
    return float(np.abs(scaled(ours) - scaled(theirs)).max())


def scaled(maps: np.ndarray) -> np.ndarray:
    """Each map from 0 to 1; a constant one is 0."""
    lowest = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - lowest
    return np.divide(maps - lowest, span, out=np.zeros_like(maps), where=span > 0)


def copied(case: Case) -> tuple[Any, Any]:
    """A copy of the model, and the layer in it."""
    model = copy.deepcopy(case.model)
    return model, model.get_submodule(case.layer.partition("#")[0])


def _pictures(case: Case) -> Callable[[], Any]:
    """The pictures as the model takes them, fetched from the host's memory at each call."""
    import torch

    own = next(case.model.parameters())
    return lambda: torch.from_numpy(case.x).to(own)


def visible() -> None:
    """The peers' folder stands last on the path, so that it shadows nothing of the project's."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
