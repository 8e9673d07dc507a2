"""Draw docs/images/scenes.jpg, three planted scenes of every class: ``python docs/scenes.py``."""

from pathlib import Path

import numpy as np
import PIL.Image

from xai_heatmap import scenes
from xai_heatmap.render.sheet import sheet

SHOWN = {
    "bear": (0, 36, 39),
    "beetle": (7, 22, 26),
    "bird": (4, 49, 39),
    "bus": (25, 36, 6),
    "cat": (9, 8, 6),
    "fish": (27, 15, 26),
    "ladybird": (18, 0, 25),
    "mug": (9, 30, 22),
    "rabbit": (6, 9, 39),
    "teapot": (32, 9, 64),
    "tiger": (39, 17, 36),
    "truck": (6, 29, 32),
}
"""Seeds that look well."""

PICTURE = Path(__file__).resolve().parent / "images" / "scenes.jpg"
SIDE, GAP = 160, 4


def row(label: str) -> np.ndarray:
    """The pictures of a class beside each other."""
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    one, two, three = (scenes.scene(s, category=label, size=SIDE).image for s in SHOWN[label])
    return np.concatenate([one, gap, two, gap, three], axis=1)


def main() -> None:
    """Write the sheet."""
    width = 3 * SIDE + 2 * GAP
    page = sheet([row(name) for name in SHOWN], list(SHOWN), columns=3, size=width, text=22)
    path = PICTURE
    PIL.Image.fromarray(page).save(path, quality=82, optimize=True)
    print(f"{path.name}: {page.shape[1]}x{page.shape[0]}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
