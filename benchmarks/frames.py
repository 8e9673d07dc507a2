"""What a frame of the page costs: ``python -m benchmarks.frames`` (``--write``: into the docs).

Processor time of the page's own thread for each look at a picture, from the key or the pointer to
the picture that is drawn, in Chromium without a window and without a graphics card; and requests.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

import xai_heatmap as xh
from benchmarks import machine, tables

MOST = 16.0
"""Milliseconds of a frame, 95th percentile."""

MARKS = ("<!-- figures: frames -->", "<!-- end of figures: frames -->")
PAGE = Path(__file__).parents[1] / "docs" / "web-app.md"
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def looks(page: Any, rounds: int) -> Iterator[tuple[str, list[Callable[[], object]]]]:
    """Each way to look, as that many steps."""
    edge = page.locator(".stage").bounding_box()
    left, top = edge["x"] + edge["width"] * 0.3, edge["y"] + edge["height"] / 2

    def keys(some: str) -> list[Callable[[], object]]:
        each = (some * rounds)[:rounds]
        return [lambda key=key: page.keyboard.press(key) for key in each]

    def moves() -> list[Callable[[], object]]:
        return [lambda k=k: page.mouse.move(left + 4 * (k % 60), top) for k in range(rounds)]

    yield "a layer further", keys("u" * 10 + "o" * 10)
    yield "opacity", keys("TTTTtttt")
    yield "palette", keys("p")
    yield "the probe", moves()
    page.keyboard.press("v")
    page.keyboard.press("v")
    page.mouse.move(left, top)
    page.mouse.down()
    yield "swipe", moves()
    page.mouse.up()


def measured(rounds: int) -> list[tuple[str, ...]]:
    """Rows of the table."""
    rows = []
    own = xh.serve(port=0, browser=False, wait=False)
    assert own is not None
    with own as server, sync_playwright() as started:
        chrome = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chrome.new_page(viewport={"width": 1440, "height": 900})
        page.goto(server.url)
        page.wait_for_selector(".under .bar")
        page.wait_for_load_state("networkidle")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> float:
            told = session.send("Performance.getMetrics")["metrics"]
            return 1e3 * next(one["value"] for one in told if one["name"] == "TaskDuration")

        for name, steps in looks(page, rounds):
            each = []
            for step in steps:
                before = spent()
                step()
                page.evaluate(DRAWN)
                each.append(spent() - before)
            median, high = statistics.median(each), float(np.quantile(each, 0.95))
            figures = f"{median:.1f} ms", f"{high:.1f} ms", f"≤ {MOST:.0f} ms"
            rows.append((name, *figures, str(len(asked))))
        chrome.close()
    return rows


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = parser.parse_args()
    head = ("", "median", "95 %", "aim", "requests")
    text = f"{machine.line([])}\n\n{tables.table(head, measured(asked.rounds))}"
    print(text)
    if asked.write:
        tables.put(PAGE, MARKS, text)


if __name__ == "__main__":
    main()
