"""The exported page beside Python: ``python -m benchmarks.page REFERENCE [--write]``.

REFERENCE is a folder with ``models/``, ``images/`` and ``more_images/``. Chromium opens the page
from disk; each photograph goes into it as the file that it is, and its map comes out beside that of
Python. SqueezeNet sees a square of a photograph, MobileNet all of it, squeezed. What a frame costs
is measured with the same page without maps, call by call in turns.
"""

import argparse
import base64
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from playwright.sync_api import Browser, Page, sync_playwright

import xai_heatmap as xh
from benchmarks import machine, tables
from xai_heatmap.exporting.explainer import bare
from xai_heatmap.exporting.page import page_facts
from xai_heatmap.exporting.runtime import VERSION, runtime
from xai_heatmap.render.viewer import network_page

NETWORK = "squeezenet1_1.onnx"

SQUEEZED = "mobilenet_v1_025_224.onnx"

MARKS = ("<!-- figures: page -->", "<!-- end of figures: page -->")
PAGE = Path(__file__).parents[1] / "docs" / "web-app.md"

Row = tuple[str, ...]

MAP = """async (text) => {
  const { facts } = xaiHeatmap
  const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])
  const { id } = await xaiHeatmap.add(blob, 'photograph')
  const asked = { kind: 'run', key: id, blob, target: -1, maps: facts.network.maps }
  const { scores, maps } = await xaiHeatmap.ask(asked)
  const top = scores.indexOf(Math.max(...scores))
  return { top, values: [...maps[0].values], x: [...(await xaiHeatmap.input(blob)).x] }
}"""
"""What the page makes of a photograph: the prediction, the map, and the input it was made from."""

FRAME = """async () => {
  const { network } = xaiHeatmap.facts
  const data = new Uint8ClampedArray(640 * 480 * 4).map((_, k) => (k * 2654435761) >>> 24)
  const picture = { data, width: 640, height: 480 }
  const begun = performance.now()
  const asked = { kind: 'frame', picture, target: -1, maps: network.maps }
  const { milliseconds } = await xaiHeatmap.ask(asked)
  return [milliseconds, performance.now() - begun]
}"""
"""Milliseconds of the network, and of the frame from its pixels to its maps."""


def main() -> None:
    """Measure, print a table, and write it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    said = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        models, few = said.reference / "models", sorted(said.reference.glob("images/*.JPEG"))
        every = few + sorted(said.reference.glob("more_images/*.JPEG"))
        whole, without = _pages(models / NETWORK, Path(folder))
        squeezed = Path(folder) / "squeezed.html"
        xh.export(str(models / SQUEEZED), squeezed, preprocess="tf")
        rows = [
            *_alike(browser, whole, models / NETWORK, "imagenet", few),
            *_alike(browser, squeezed, models / SQUEEZED, "tf", every),
            *_costs(browser, whole, without, said.frames),
        ]
        version = browser.version
        browser.close()
    line = machine.line([f"onnxruntime-web {VERSION}", f"Chromium {version}"])
    text = f"{line}\n\n{tables.table(('', 'measured', 'aim'), rows)}"
    print(text)
    if said.write:
        tables.put(PAGE, MARKS, text)


def _pages(model: Path, folder: Path) -> tuple[Path, Path]:
    """The page, and the same without maps."""
    xh.export(str(model), folder / "graph.onnx", preprocess="imagenet")
    graph = onnx.load(folder / "graph.onnx")
    facts: dict[str, Any] = page_facts(graph, name=model.name)
    own = runtime()
    pages = folder / "whole.html", folder / "without.html"
    for page, held, maps in zip(pages, (graph, bare(graph)), (["cam_0"], []), strict=True):
        network = facts["network"] | {"maps": maps}
        text = network_page(
            page.stem, facts | {"network": network}, runtime=own.script, wasm=own.wasm,
            graph=held.SerializeToString(),
        )  # fmt: skip
        page.write_text(text, "utf-8")
    return pages


def _opened(browser: Browser, path: Path, asked: list[str]) -> Page:
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page


def _alike(
    browser: Browser, path: Path, model: Path, preprocess: str, photographs: list[Path]
) -> list[Row]:
    """Maps of the photographs beside those of Python."""
    asked: list[str] = []
    page = _opened(browser, path, asked)
    network = xh.network(str(model))
    off, pixels, same = list[float](), list[float](), 0
    for photograph in photographs:
        text = base64.b64encode(photograph.read_bytes()).decode()
        found = page.evaluate(MAP, text)
        own = xh.explain(network, str(photograph), preprocess=preprocess)
        x, _ = xh.Preprocess(preprocess)(own.image)
        map_ = np.array(found["values"]).reshape(own.map.shape)
        off.append(float(np.abs(map_ - own.map).max() / np.abs(own.map).max()))
        pixels.append(float(np.abs(np.array(found["x"], np.float32) - x.ravel()).max()))
        same += found["top"] == own.predictions[0].index
    page.close()
    requests = [url for url in asked if not url.startswith(("blob:", "data:"))]
    count, name = len(photographs), model.stem.partition("_")[0]
    return [
        (f"{name}: requests of the page, but for the file itself", str(len(requests) - 1), "0"),
        (f"{name}, {count} JPEGs: maps, largest difference ÷ maximum", f"{max(off):.1e}", "≤ 1e-2"),
        (f"{name}: largest difference of an input of the network", f"{max(pixels):.1e}", ""),
        (f"{name}: same prediction", f"{same} of {count}", "all"),
    ]  # fmt: skip


def _costs(browser: Browser, whole: Path, without: Path, frames: int) -> list[Row]:
    """A frame with its map beside a frame without, in turns."""
    pages = [_opened(browser, path, []) for path in (whole, without)]
    for page in pages:
        for _ in range(5):
            page.evaluate(FRAME)
    found = [[page.evaluate(FRAME) for page in pages] for _ in range(frames // 2)]
    found += [[page.evaluate(FRAME) for page in pages[::-1]][::-1] for _ in range(frames // 2)]
    rows = list[Row]()
    for place, words in ((0, "the network in wasm"), (1, "a frame of 640x480, pixels to map")):
        times = [[own[place] for own in pair] for pair in found]
        least = [min(column) for column in zip(*times, strict=True)]
        middle = statistics.median(one / other for one, other in times)
        aim = "≤ 1.05" if place else ""
        rows += [
            (f"{words}, with its map ÷ without: smallest times", f"{least[0] / least[1]:.2f}", aim),
            (f"{words}: median of {frames} pairs", f"{middle:.2f}", aim),
            (f"{words}, with its map", f"{least[0]:.1f} ms", ""),
        ]
    return rows


if __name__ == "__main__":
    main()
