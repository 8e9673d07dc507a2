"""A browser of the distribution, driven by tests: where it is, and what pages in it ask for."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # as root there is no other way
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
AXE = Path(__file__).with_name("axe.min.js")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium():
    """Path of a browser; without one tests are skipped, in CI they fail."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        why = "needs Chromium: apt-get install chromium, or CHROMIUM=/path/to/it"
        if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextmanager
def browser():
    """Chromium without a window, with a camera that shows a clock."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = chromium()
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


class Asked(list):
    """Addresses that a page asked for, and what went wrong in it."""

    def __init__(self, page):
        super().__init__()
        self.faults = []
        page.on("request", lambda request: self.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message):
        if message.type in {"error", "warning"} and "willReadFrequently" not in message.text:
            self.faults.append(message.text)


def until(page, said, given=None, *, seconds=20):
    """Wait for what is said in JavaScript; the page's policy bars Playwright's own way."""
    for _ in range(seconds * 20):
        if page.evaluate(said, given):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"after {seconds} s still not: {said}")


def violations(page):
    """What axe finds on a page as it stands, by rule."""
    # Read into the page as a function, which its policy lets nobody but the tests' protocol do.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("(tags) => axe.run(document, {runOnly: tags})", TAGS)
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]
    ]


def drawn(page, selector=".stage canvas"):
    """Sum of what a canvas shows, which changes when the picture does."""
    return page.evaluate(
        """async (selector) => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
          const canvas = document.querySelector(selector)
          const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
          let sum = 0
          for (let k = 0; k < bytes.length; k += 7) sum = (sum * 31 + bytes[k]) % 1000000007
          return sum
        }""",
        selector,
    )
