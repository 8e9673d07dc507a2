"""Where other packages compute the same map, and where not: ``python -m benchmarks.methods_agree``.

SqueezeNet 1.1 with trained weights, a photograph, the last layer of its trunk and one in the
middle. Every map is scaled to [0, 1] at the size of the picture, as pytorch-grad-cam gives them.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, networks, peers, tables

PAGE = Path(__file__).resolve().parent.parent / "docs" / "agreement.md"
LAYERS = ("features.12", "features.7")
SAME = 1e-4


def added_epsilon(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Grad-CAM++ with 1e-6 in the denominator of α, before g² is divided out."""
    total = activation.sum(axis=(1, 2), keepdims=True)
    alpha = gradient**2 / (2 * gradient**2 + total * gradient**3 + 1e-6)
    weights = (np.where(gradient != 0, alpha, 0) * np.maximum(gradient, 0)).sum(axis=(1, 2))
    return np.maximum(np.tensordot(weights, activation, 1), 0)


def lost_division(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Grad-CAM++ without a denominator: α = g²."""
    weights = (gradient**2 * np.maximum(gradient, 0)).sum(axis=(1, 2))
    return np.maximum(np.tensordot(weights, activation, 1), 0)


def centred(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Eigen-CAM of feature maps less their means, with the sign that the library gives."""
    rows = activation.reshape(len(activation), -1).T
    rows = rows - rows.mean(axis=0)
    direction = np.linalg.svd(rows, full_matrices=True)[2][0]
    return np.maximum((rows @ direction).reshape(activation.shape[1:]), 0)


def centred_product(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The same of g ⊙ A."""
    return centred(gradient * activation, gradient)


CAUSES: dict[tuple[str, str], tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    ("gradcam_pp", "pytorch-grad-cam"): (
        "1e-6 is added to a denominator of the order of g²; ours divides g² out",
        added_epsilon,
    ),
    ("gradcam_pp", "torch-cam"): (
        "the division is written into a copy and lost, so α stays g²",
        lost_division,
    ),
    ("eigencam", "pytorch-grad-cam"): (
        "feature maps are centred, which the paper does not do, and the sign is left to chance",
        centred,
    ),
    ("eigengradcam", "pytorch-grad-cam"): ("as for Eigen-CAM", centred_product),
}
"""What makes a peer's map another, as a formula: the page says how far that is from the peer."""

WHY = {
    ("scorecam", "pytorch-grad-cam"): "softmax over raw logits, which leaves a few feature maps; "
    "ours weighs by the increase of the score (`softmax=True` is nearer)",
    ("scorecam", "torch-cam"): "the same",
}
"""What was read in the peers' source, and has no formula here."""

Call = Callable[[Any, np.ndarray, str, int], np.ndarray]


def main() -> None:
    """Compute, print, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/agreement.md")
    asked = parser.parse_args()
    text = page()
    print(text)
    if asked.write:
        PAGE.write_text(text)


def page() -> str:
    """The table with what is known of each deviation."""
    import xai_heatmap as xh

    model = networks.torch_model("squeezenet")
    x = networks.batch("squeezenet", 1, channels_last=False)
    network = xh.network(model)
    target = int(network.record(x).scores[0].argmax())
    rows = []
    for method, theirs in METHODS.items():
        ours = {
            layer: xh.maps(network, x, method=method, layer=layer, target=target)
            for layer in LAYERS
        }
        for peer, call in theirs.items():
            others = {layer: call(model, x, layer, target) for layer in LAYERS}
            found = [_compared(ours[layer], others[layer]) for layer in LAYERS]
            same = max(off for off, _ in found) <= SAME
            said = "the same" if same else _why(method, peer, network, x, target, others)
            figures = [f"{off:.1e} ({cosine:.3f})" for off, cosine in found]
            rows.append((f"`{method}`", peers.titled(peer), *figures, said))
    head = ("method", "peer", *(f"`{layer}`" for layer in LAYERS), "")
    return f"{TEXT}\n{tables.table(head, rows)}\n\n{machine.line(_versions())}\n"


TEXT = """# Agreement with other packages

The largest difference of maps that are scaled to [0, 1], and in brackets their correlation, for the
class that SqueezeNet 1.1 predicts on a photograph. Where maps differ, the last column says why, and
how far a formula with that cause is from the peer.

Written by `python -m benchmarks.methods_agree --write`.
"""


def _why(
    method: str, peer: str, network: Any, x: np.ndarray, target: int, others: dict[str, np.ndarray]
) -> str:
    """The cause of a deviation; where it is a formula, how far its maps are from the peer's."""
    if (method, peer) not in CAUSES:
        return WHY.get((method, peer), "not known")
    said, formula = CAUSES[method, peer]
    recording = network.record(x, list(LAYERS))
    gradients = recording.pullback(np.eye(1000, dtype=np.float32)[[target]])
    off = max(
        _compared(formula(recording.activations[layer][0], gradients[layer][0])[None], other)[0]
        for layer, other in others.items()
    )
    return f"{said} (with that, ours differs by {off:.0e})"


def _compared(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Largest difference, and correlation, at the size of the picture."""
    drawn = [_drawn(one) for one in (ours, theirs)]
    off = float(np.abs(drawn[0] - drawn[1]).max())
    if min(float(one.std()) for one in drawn) == 0:
        return off, float(off == 0)
    return off, float(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1])


def _drawn(maps: np.ndarray) -> np.ndarray:
    from pytorch_grad_cam.utils.image import scale_cam_image

    size = (224, 224)
    return peers.scaled(maps if maps.shape[1:] == size else scale_cam_image(maps, size))


def grad_cam(name: str) -> Call:
    """A class of pytorch-grad-cam as a function of model, picture, layer and class."""

    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        case = peers.Case(model, x, layer, target)
        copy, inner = peers.copied(case)
        cam = getattr(pytorch_grad_cam, name)(model=copy, target_layers=[inner])
        import torch

        return cam(input_tensor=torch.from_numpy(x), targets=[ClassifierOutputTarget(target)])

    return call


def _torch_cam(name: str) -> Call:
    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import torch
        from torchcam import methods

        copy, inner = peers.copied(peers.Case(model, x, layer, target))
        extractor = getattr(methods, name)(copy, inner)
        scores = copy(torch.from_numpy(x))
        maps = extractor(target, scores)[0].detach().cpu().numpy()
        return maps if maps.ndim == 3 else maps[None]

    return call


def _captum(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
    case = peers.Case(model, x, layer, target)
    return peers.captum(case)()


METHODS: dict[str, dict[str, Call]] = {
    "gradcam": {
        "pytorch-grad-cam": grad_cam("GradCAM"),
        "torch-cam": _torch_cam("GradCAM"),
        "Captum": _captum,
    },
    "gradcam_pp": {
        "pytorch-grad-cam": grad_cam("GradCAMPlusPlus"),
        "torch-cam": _torch_cam("GradCAMpp"),
    },
    "xgradcam": {
        "pytorch-grad-cam": grad_cam("XGradCAM"),
        "torch-cam": _torch_cam("XGradCAM"),
    },
    "layercam": {
        "pytorch-grad-cam": grad_cam("LayerCAM"),
        "torch-cam": _torch_cam("LayerCAM"),
    },
    "eigencam": {"pytorch-grad-cam": grad_cam("EigenCAM")},
    "eigengradcam": {"pytorch-grad-cam": grad_cam("EigenGradCAM")},
    "ablationcam": {"pytorch-grad-cam": grad_cam("AblationCAM")},
    "scorecam": {
        "pytorch-grad-cam": grad_cam("ScoreCAM"),
        "torch-cam": _torch_cam("ScoreCAM"),
    },
}


def _versions() -> list[str]:
    import torch

    return [f"PyTorch {torch.__version__}"]


if __name__ == "__main__":
    from benchmarks.torchvision_operators import declare_missing_operators

    peers.visible()
    declare_missing_operators()
    main()
