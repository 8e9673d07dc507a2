"""Methods of many passes beside pytorch-grad-cam's own: ``python -m benchmarks.beside_peers``.

ResNet-50 with random weights, its last stage of 2048 feature maps, one photograph; Ablation-CAM,
Score-CAM and Eigen-CAM. Each runs in a process of its own, ours and theirs in turn, so that the
most memory that a process held is that of the call. Takes about ten minutes.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import machine, networks, peers, tables

LAYER = "19"
ROUNDS = {"ablationcam": 1, "scorecam": 1, "eigencam": 5}
AIMS = {"ablationcam": 100.0, "scorecam": 1 / 0.9, "eigencam": 50.0}
"""At least: times faster than the peer."""

MEMORY = 1 / 5
"""At most: of the memory that Score-CAM takes with the peer, over what the network takes."""

MARKS = ("<!-- figures: beside peers -->", "<!-- end of figures: beside peers -->")


def main() -> None:
    """Measure, print, and write where asked to; or run one call, as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", type=lambda text: text.split(","), default=list(ROUNDS))
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "WHOSE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measured(*asked.one)))
        return
    _peers_importable()
    rows = [row for method in asked.methods for row in compared(method)]
    head = ("method", "whose", "seconds", "memory", "times faster", "aim", "largest difference")
    text = f"{machine.line(_versions())}\n\n{tables.table(head, rows)}"
    print(text)
    if asked.write:
        tables.put(Path(__file__).with_name("README.md"), MARKS, text)


def compared(method: str) -> list[tuple[str, ...]]:
    """Ours and theirs in turn, the shortest of each."""
    found: dict[str, list[dict]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS[method]):
        for whose, runs in found.items():
            command = [sys.executable, "-m", "benchmarks.beside_peers", "--one", method, whose]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{method}, {whose}: {runs[-1]['seconds']:.3g} s", file=sys.stderr)
    seconds = {whose: min(run["seconds"] for run in runs) for whose, runs in found.items()}
    memory = {whose: min(run["megabytes"] for run in runs) for whose, runs in found.items()}
    faster = seconds["theirs"] / seconds["ours"]
    maps = {whose: np.array(runs[0]["map"], np.float32) for whose, runs in found.items()}
    apart = peers.difference(maps["ours"][None], maps["theirs"][None])
    aim = f"≥ {AIMS[method]:.3g}: {'ok' if faster >= AIMS[method] else 'MISSED'}"
    if method == "scorecam":
        share = memory["ours"] / memory["theirs"]
        aim += f"; memory ≤ 1/5: {share:.2f} {'ok' if share <= MEMORY else 'MISSED'}"
    return [
        (method, "xai-heatmap", f"{seconds['ours']:.3g}", f"{memory['ours']:.0f} MB",
         f"{faster:.3g}", aim, f"{apart:.1e}"),
        (method, peers.titled("pytorch-grad-cam"), f"{seconds['theirs']:.3g}",
         f"{memory['theirs']:.0f} MB", "1", "", ""),
    ]  # fmt: skip


def measured(method: str, whose: str) -> dict[str, object]:
    """One call: seconds, megabytes beyond those of a bare forward pass, the map."""
    import torch

    model = networks.torch_model("resnet50")
    x = networks.batch("resnet50", 1, channels_last=False)
    with torch.no_grad():
        target = int(model(torch.from_numpy(x)).argmax())
        call = (_ours if whose == "ours" else _theirs)(method, model, x, target)
        model(torch.from_numpy(x))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    map_ = call()
    seconds = time.perf_counter() - start
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "megabytes": more / 1024, "map": np.asarray(map_).tolist()}


def _ours(method: str, model: object, x: np.ndarray, target: int) -> Callable[[], np.ndarray]:
    import xai_heatmap as xh
    import xai_heatmap.methods
    from xai_heatmap.core.evidence import Evidence
    from xai_heatmap.core.registry import find_method

    network = xh.network(model)
    if method == "eigencam":  # the method's own part
        activation = network.record(x, [LAYER]).activations[LAYER][0]
        formula = find_method(method)
        formula.found(Evidence(activation=activation), {})
        return lambda: formula.found(Evidence(activation=activation), {}).map
    options = {"softmax": True} if method == "scorecam" else {}
    network.record(x, [LAYER])
    asked = {"method": method, "layer": LAYER, "target": target, "options": options}
    return lambda: xh.maps(network, x, **asked)[0]


def _theirs(method: str, model: object, x: np.ndarray, target: int) -> Callable[[], np.ndarray]:
    import torch

    _peers_importable()
    from pytorch_grad_cam import AblationCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

    layer = model.get_submodule(LAYER)
    if method == "eigencam":
        held = []
        hook = layer.register_forward_hook(lambda _, __, output: held.append(output.numpy()))
        model(torch.from_numpy(x))
        hook.remove()
        get_2d_projection(held[0])
        return lambda: get_2d_projection(held[0])[0]
    cam = {"ablationcam": AblationCAM, "scorecam": ScoreCAM}[method](model, [layer])
    targets = [ClassifierOutputTarget(target)]
    return lambda: cam(input_tensor=torch.from_numpy(x), targets=targets)[0]


def _peers_importable() -> None:
    from benchmarks.torchvision_operators import declare_missing_operators

    peers.visible()
    declare_missing_operators()


def _versions() -> list[str]:
    import torch

    return [f"PyTorch {torch.__version__}"]


if __name__ == "__main__":
    main()
