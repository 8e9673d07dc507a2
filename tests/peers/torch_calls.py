"""Run beside the peers: what their README says, and the same with only names changed.

Prints one JSON object: of each call the largest difference of both maps, each scaled alike, or the
facts that are compared. Weights are random; nothing is learnt.
"""

import json
import sys
import warnings

import numpy as np
import torch
from torch import nn

warnings.simplefilter("ignore")
from benchmarks import peers  # noqa: E402
from benchmarks.torchvision_operators import declare_missing_operators  # noqa: E402

peers.visible()
declare_missing_operators()

import xai_heatmap as xh  # noqa: E402


class Small(nn.Module):
    """Two stages, as a ResNet has four."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer1 = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class Table(nn.Module):
    """As Captum's README has it: three features."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.lin1, self.relu, self.lin2 = nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)

    def forward(self, x):
        return self.lin2(self.relu(self.lin1(x)))


model = Small().eval()
input_tensor = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def scaled(map_):
    """From 0 to 1 over its own range."""
    map_ = np.asarray(map_, np.float64)
    return (map_ - map_.min()) / max(map_.max() - map_.min(), 1e-12)


def apart(theirs, ours):
    return float(np.abs(np.asarray(theirs, np.float64) - np.asarray(ours, np.float64)).max())


def pytorch_grad_cam():
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    target_layers = [model.layer2[-1]]
    targets = [ClassifierOutputTarget(3)]
    with GradCAM(model=model, target_layers=target_layers) as cam:
        theirs = cam(input_tensor=input_tensor, targets=targets)[0, :]

    ours = xh.explain(model, input_tensor, method="gradcam", layer=model.layer2[-1], target=3)
    return apart(theirs, ours.heat())  # it takes the minimum off, which of a ReLU's map is 0


def torch_cam():
    from torchcam.methods import GradCAM

    with GradCAM(model, "layer2") as cam_extractor:
        out = model(input_tensor)
        theirs = cam_extractor(out.squeeze(0).argmax().item(), out)[0]

    out = model(input_tensor)
    ours = xh.explain(model, input_tensor, layer="layer2", target=out.squeeze(0).argmax())
    return apart(scaled(theirs[0]), scaled(ours.map))


def torch_cam_smooth():
    """Noise is drawn otherwise, and their Grad-CAM++ weights by a ReLU that acts on a copy: shape
    and layer are compared, and that the map is one."""
    from torchcam.methods import SmoothGradCAMpp

    with SmoothGradCAMpp(model, input_shape=(3, 32, 32)) as cam_extractor:
        out = model(input_tensor)
        theirs = cam_extractor(out.squeeze(0).argmax().item(), out)[0]
        layer = cam_extractor.target_names[0]

    ours = xh.explain(model, input_tensor, method="smooth_gradcam_pp", target=out[0].argmax())
    return {
        "shapes": [list(theirs[0].shape), list(ours.map.shape)],
        "layers": [layer, ours.layer.name],
        "verdict": ours.verdict.word,
    }


def captum_integrated_gradients():
    from captum.attr import IntegratedGradients

    table = Table().eval()
    torch.manual_seed(123)
    rows, baseline = torch.rand(2, 3), torch.zeros(2, 3)
    theirs, _ = IntegratedGradients(table).attribute(
        rows, baseline, target=0, return_convergence_delta=True, method="riemann_middle"
    )
    ours = xh.maps(
        table, rows, method="integrated_gradients", target=0,
        options={"baseline": baseline, "steps": 50},
    )  # fmt: skip
    return apart(theirs.detach(), ours)


def captum_integrated_gradients_of_a_picture():
    """Its own rule, Gauss-Legendre: another quadrature of the same integral."""
    from captum.attr import IntegratedGradients

    baseline = torch.full_like(input_tensor, 0.1)
    theirs = IntegratedGradients(model).attribute(input_tensor, baseline, target=2, n_steps=300)
    how = {"baseline": baseline, "steps": 300, "channels": "each"}
    ours = xh.explain(model, input_tensor, method="integrated_gradients", target=2, options=how)
    return apart(theirs[0].detach() / theirs.abs().max(), ours.map / np.abs(ours.map).max())


def captum_layer_gradcam():
    from captum.attr import LayerGradCam

    theirs = LayerGradCam(model, model.layer2).attribute(input_tensor, target=1)
    ours = xh.explain(model, input_tensor, layer=model.layer2, target=1, options={"relu": False})
    return apart(theirs[0, 0].detach(), ours.map)


def captum_occlusion():
    from captum.attr import Occlusion

    theirs = Occlusion(model).attribute(
        input_tensor, sliding_window_shapes=(3, 8, 4), strides=(3, 4, 4), baselines=0.25, target=1
    )
    how = {"window": (8, 4), "stride": (4, 4), "fill": 0.25}
    ours = xh.explain(model, input_tensor, method="occlusion", target=1, options=how)
    return apart(theirs[0, 0].detach(), ours.map)


def captum_feature_ablation():
    from captum.attr import FeatureAblation

    segments = torch.arange(16).reshape(4, 4).repeat_interleave(8, 0).repeat_interleave(8, 1)
    theirs = FeatureAblation(model).attribute(input_tensor, target=1, feature_mask=segments)
    ours = xh.explain(
        model, input_tensor, method="occlusion", target=1, options={"regions": segments}
    )
    return apart(theirs[0, 0].detach(), ours.map)


CALLS = [
    pytorch_grad_cam,
    torch_cam,
    torch_cam_smooth,
    captum_integrated_gradients,
    captum_integrated_gradients_of_a_picture,
    captum_layer_gradcam,
    captum_occlusion,
    captum_feature_ablation,
]


def saliency_gradient():
    """PAIR's, of which a model is a function that answers the gradient."""
    import saliency.core as saliency

    def call_model_function(images, call_model_args=None, expected_keys=None):
        x = torch.tensor(images).permute(0, 3, 1, 2).float().requires_grad_()
        outputs = model(x)[:, call_model_args["class"]]
        (found,) = torch.autograd.grad(outputs.sum(), x)
        return {saliency.INPUT_OUTPUT_GRADIENTS: found.permute(0, 2, 3, 1).numpy()}

    image = input_tensor[0].permute(1, 2, 0).numpy()
    theirs = saliency.GradientSaliency().GetMask(image, call_model_function, {"class": 1})
    ours = xh.explain(
        model, input_tensor, method="gradient", target=1, options={"channels": "each"}
    )
    return apart(theirs, ours.map.transpose(1, 2, 0))


def ultralytics():
    """The object itself is handed over; it was not trained, so what is compared is where the heat
    is taken from: a level that the head reads."""
    from ultralytics import YOLO

    torch.manual_seed(0)
    yolo = YOLO("yolo11n.yaml")
    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    ours = xh.explain(yolo, picture, target=xh.box((30, 20, 90, 80)))
    detect = yolo.model.model[-1]
    return {
        "layer": ours.layer.name,
        "levels": [f"model.{number}" for number in detect.f],
        "map": list(ours.map.shape),
        "grid": list(ours.layer.grid),
        "overlap": ours.detection.overlap,
    }


BESIDE = {"saliency": saliency_gradient, "ultralytics": ultralytics}
"""Packages that are not among the peers; where one is installed it is asked too."""

if __name__ == "__main__":
    found = {}
    for call in [*CALLS, *BESIDE.values()]:
        try:
            found[call.__name__] = call()
        except ModuleNotFoundError as problem:
            package = (problem.name or "").partition(".")[0]
            found[call.__name__] = "not installed" if package in BESIDE else str(problem)
        except Exception as problem:  # noqa: BLE001 - the test shows it
            found[call.__name__] = f"{type(problem).__name__}: {problem}"
    sys.stdout.write("\n" + json.dumps(found) + "\n")
