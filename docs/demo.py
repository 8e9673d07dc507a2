"""Draw docs/images/demo.jpg, what the demonstration shows: ``python docs/demo.py``."""

from pathlib import Path

import PIL.Image

from xai_heatmap.showcase import demo

PICTURE = Path(__file__).resolve().parent / "images" / "demo.jpg"
ROWS = (0, 2, 3, 5)
"""Of the exhibits."""


def main() -> None:
    """Write the picture."""
    shown = list(demo.exhibits())
    sheet = demo.contact_sheet([shown[row] for row in ROWS])
    PIL.Image.fromarray(sheet).save(PICTURE, quality=85)


if __name__ == "__main__":
    main()
