"""Draw the pictures of the how-to pages from what their own blocks compute, and write what the
blocks print below them: ``python docs/howto_pictures.py``.

The picture of features needs the reference networks (`pictures.py`); without them it stays.
"""

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import torch

import xai_heatmap as xh
from xai_heatmap.render.sheet import sheet

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import pictures  # noqa: E402 - lies beside this file

IMAGES, PAGES = HERE / "images", HERE / "howto"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)
"""A block, and what it prints where that stands below it."""

Names = dict[str, Any]


def ran(page: Path) -> Names:
    """Names of a page after all of its blocks, with what they print written below them."""
    names, text = Names(), page.read_text("utf-8")

    def once(found: re.Match[str]) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(found[1], page.name, "exec"), names)  # noqa: S102 - our own
        below = "" if found[2] is None else f"\n```text\n{said.getvalue()}```"
        return f"```python\n{found[1]}```{below}"

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        now = BLOCK.sub(once, text)
    page.write_text(now, "utf-8")
    return names


def row(*shown: np.ndarray, height: int = 240) -> PIL.Image.Image:
    """Pictures beside each other, each of that height."""
    parts = list[np.ndarray]()
    for one in shown:
        picture = PIL.Image.fromarray(one)
        wide = round(picture.width * height / picture.height)
        parts += [np.asarray(picture.resize((wide, height))), np.full((height, 8, 3), 255, "u1")]
    return PIL.Image.fromarray(np.concatenate(parts[:-1], axis=1))


def windows(names: Names) -> PIL.Image.Image:
    """One window, and two answers put together."""
    return row(*(names[one].overlay() for one in ("one", "ladybird", "fish")), height=256)


def scan(names: Names) -> PIL.Image.Image:
    """Two slices of the stitched map: through the body, and through body and clip."""
    e = replace(names["at_once"], map=names["found"])
    strongest = float(np.percentile(names["found"][names["lesion"] > 0], 99))
    return PIL.Image.fromarray(e.overlay(slices=[6, 8], scale=strongest))


def robot(names: Names) -> PIL.Image.Image:
    """Both cameras, each beside its map."""
    grip, right = names["found"]["wrist"], names["right"]
    shown = (picture for one in (right, grip) for picture in (one.image, one.overlay(mute=True)))
    return row(*shown)


def medical(names: Names) -> PIL.Image.Image:
    """The window, its map, over another window, and what 8 bits leave."""
    shown = names["e"].image, *(names[one].overlay() for one in ("e", "over", "lost"))
    return row(*shown, height=192)


def reviewer(names: Names) -> PIL.Image.Image:
    """The rabbit with its badge and without, and what is said of each map."""
    shown = names["e"], names["then"]
    page = sheet(
        [one.overlay(contour=False) for one in shown],
        [f"{own}: {one.tested.short}" for own, one in zip(("with", "without"), shown, strict=True)],
        columns=2,
        size=380,
    )
    return PIL.Image.fromarray(page)


def features() -> PIL.Image.Image:
    """A transformer without its head: attention, main direction, and places like an eye."""
    model = pictures._deit(pictures.REFERENCE)  # noqa: SLF001 - lies beside this file
    model.head = torch.nn.Identity()
    network = xh.network(model, answers="values", image_shape=(3, 224, 224))
    prepared = xh.Preprocess("imagenet", input_size=(224, 224), fit="stretch")
    photograph = np.asarray(PIL.Image.open(pictures.CHELSEA).convert("RGB"))
    rollout, eigen = (
        xh.explain(network, photograph, preprocess=prepared, method=name, target=0)
        for name in ("rollout", "eigencam")
    )
    x, _ = prepared(photograph)
    found = network.record(x[None], ["blocks.9"]).activations["blocks.9"][0]
    found = found - found.mean((1, 2), keepdims=True)
    found /= np.linalg.norm(found, axis=0)
    place = (5, 5)
    alike = np.einsum("k,khw->hw", found[:, place[0], place[1]], found)
    like = replace(eigen, map=np.maximum(alike, 0).astype(np.float32))
    ringed = PIL.Image.fromarray(like.overlay(contour=False))
    wide, high = ringed.width / 14, ringed.height / 14
    box = (place[1] * wide, place[0] * high, (place[1] + 1) * wide, (place[0] + 1) * high)
    PIL.ImageDraw.Draw(ringed).ellipse(box, outline="white", width=3)
    plain = (one.overlay(contour=False) for one in (rollout, eigen))
    return row(photograph, *plain, np.asarray(ringed), height=220)


OF_PAGES: dict[str, tuple[tuple[str, Callable[[Names], PIL.Image.Image]], ...]] = {
    "sliding-windows": (("howto-windows.jpg", windows), ("howto-scan.png", scan)),
    "features-without-classes": (),
    "robot-policies": (("howto-robot.jpg", robot),),
    "medical-16-bit": (("howto-medical.jpg", medical),),
    "evidence-for-a-reviewer": (("howto-reviewer.jpg", reviewer),),
}


def main(asked: list[str]) -> None:
    """Write the pictures, and what the blocks print, of all pages or of those named."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in asked or OF_PAGES:
        names = ran(PAGES / f"{name}.md")
        for file, draw in OF_PAGES[name]:
            draw(names).save(IMAGES / file, quality=88, optimize=True)
        if name == "features-without-classes" and pictures.weights() is not None:
            features().save(IMAGES / "howto-features.jpg", quality=88)


if __name__ == "__main__":
    main(sys.argv[1:])
