"""Make the pictures of photographs again: ``python docs/pictures.py``.

The README's, and one on each method's page; or those of the methods named alone. Needs the
reference networks (XAI_HEATMAP_REFERENCE, or ../shared/reference) and PyTorch.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import PIL.Image

import xai_heatmap as xh
import xai_heatmap.methods  # registers every method
from xai_heatmap.core.registry import METHODS
from xai_heatmap.networks.loading.load import load
from xai_heatmap.sources.labels import labels

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

import method_figures  # noqa: E402 - lies beside this file

CHELSEA = ROOT / "examples" / "images" / "chelsea.jpg"
CREDIT = "Chelsea, by Stéfan van der Walt, CC0."
PAGES = HERE / "methods"
FACTS = PAGES / "photographs.json"
TOP = 64
"""Feature maps that are tried on the picture; the suggested layer has a thousand."""


REFERENCE = Path(os.environ.get("XAI_HEATMAP_REFERENCE") or ROOT.parent / "shared/reference")
WEIGHTS = REFERENCE / "models" / "squeezenet1_1_torchvision.safetensors"


def weights() -> Path | None:
    """Weights of the network that the photographs are shown to; None where they are not there."""
    return WEIGHTS if WEIGHTS.exists() else None


def main(asked: list[str]) -> None:
    """Write every picture into docs/images and docs/methods/images."""
    reference, found = REFERENCE, weights()
    if found is None:
        sys.exit(f"{WEIGHTS} is not there; XAI_HEATMAP_REFERENCE names the folder that holds it.")
    names = labels(reference / "imagenet_classes.csv")
    network = xh.network(load(f"{ROOT / 'examples/squeezenet.py'}:squeezenet", weights=found))
    if not asked:
        _draw_layers(network, names)
    kept = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    transformer = xh.network(_deit(reference))
    for name in asked or METHODS:
        method = METHODS[name]
        attends = "attentions" in method.needs
        kept[name] = method_figures.photographed(
            transformer if attends else network,
            str(CHELSEA),
            name,
            PAGES / "images",
            preprocess={"mode": "imagenet", "fit": "stretch"},
            labels=names,
            options={"top": TOP} if "top" in method.options else {},
        ) | {"network": "DeiT-tiny" if attends else "SqueezeNet", "credit": CREDIT}
        print(name, kept[name], flush=True)
        facts = {own: kept[own] for own in sorted(kept) if own in METHODS}
        FACTS.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def _draw_layers(network: xh.Network, names: Any) -> None:
    """The README's picture: one class at five layers."""
    compared = xh.compare(
        network,
        CHELSEA,
        methods=["layercam"],
        layers=["features.2", "features.5", "features.8", "features.12", "classifier.2"],
        targets=["Egyptian cat"],
        preprocess={"mode": "imagenet", "fit": "stretch"},
        labels=names,
    )
    page = PIL.Image.fromarray(compared.sheet(columns=3))
    page.save(HERE / "images" / "chelsea_layers.jpg", quality=88)


def _deit(reference: Path) -> Any:
    """The transformer of the reference folder, as that folder's own module builds it."""
    spec = importlib.util.spec_from_file_location("networks", reference / "reference_models.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{reference} holds no reference_models.py.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.deit_tiny_clipped(reference / "models" / "deit_tiny_clipped.npz").eval()


if __name__ == "__main__":
    main(sys.argv[1:])
