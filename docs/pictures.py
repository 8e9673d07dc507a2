"""Make the README's pictures again: ``python docs/pictures.py``.

Needs the reference networks (XAI_HEATMAP_REFERENCE, or ../shared/reference) and PyTorch.
"""

import os
import sys
from pathlib import Path

import PIL.Image

import xai_heatmap as xh
from xai_heatmap.backends.load import load
from xai_heatmap.sources.labels import labels

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def main() -> None:
    """Write every picture into docs/images."""
    reference = Path(os.environ.get("XAI_HEATMAP_REFERENCE") or ROOT.parent / "shared/reference")
    weights = reference / "models" / "squeezenet1_1_torchvision.safetensors"
    if not weights.exists():
        sys.exit(f"{weights} is not there; XAI_HEATMAP_REFERENCE names the folder that holds it.")
    network = xh.network(load(f"{ROOT / 'examples/squeezenet.py'}:squeezenet", weights=weights))
    compared = xh.compare(
        network,
        ROOT / "examples" / "images" / "chelsea.jpg",
        methods=["layercam"],
        layers=["features.2", "features.5", "features.8", "features.12", "classifier.2"],
        targets=["Egyptian cat"],
        preprocess={"mode": "imagenet", "fit": "stretch"},
        labels=labels(reference / "imagenet_classes.csv"),
    )
    page = PIL.Image.fromarray(compared.sheet(columns=3))
    page.save(HERE / "images" / "chelsea_layers.jpg", quality=88)


if __name__ == "__main__":
    main()
