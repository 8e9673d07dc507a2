"""Ask the built site what a new user asks: ``python docs/site/find.py SITE``.

Chromium types each question into the site's search, whose first page has to be the one that
answers; and from the first page one link, whose text says so, has to lead there. Where there is no
Chromium nothing is asked, and that is said.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

QUESTIONS = {
    "docs/preprocessing.html": ("crop off", "turn the crop off", "ready tensor", "input is ready"),
    "docs/detectors.html": ("box of a YOLO", "explain a YOLO box", "detector"),
    "docs/guide/6-when-a-map-is-empty.html": ("map is empty", "why is a map empty", "empty"),
    "CONTRIBUTING.html": ("add a method", "how to add a method", "own method"),
    "docs/troubleshooting.html": ("XH104", "UnknownMethod"),
    "docs/howto/sliding-windows.html": ("nnU-Net", "sliding windows", "overlapping windows"),
    "docs/howto/features-without-classes.html": ("DINO", "likeness of patches", "embedding"),
    "docs/howto/robot-policies.html": ("robot policy", "continuous actions", "held inputs"),
    "docs/howto/medical-16-bit.html": ("16 bit", "DICOM", "CT window"),
    "docs/howto/evidence-for-a-reviewer.html": ("reviewer", "evidence for a reviewer"),
}
"""The page that answers, and what is asked."""

LINKS = {
    "crop off": "docs/preprocessing.html", "tensor that is ready": "docs/preprocessing.html",
    "box of a YOLO": "docs/detectors.html", "Add a method": "CONTRIBUTING.html",
    "map is empty": "docs/guide/6-when-a-map-is-empty.html",
}  # fmt: skip
"""What a link says that one would guess, on the first page or one click from it, and its page."""


def clicks(page: Any, site: str, says: str, to: str) -> int:
    """Clicks from the first page to the one meant, by links or lines of a table that say so; 0
    where two are not enough.
    """
    found = """([says, to]) => [...document.querySelectorAll("article a")].some(a =>
        a.href.split("#")[0].endsWith("/" + to) &&
        (a.closest("tr, li") ?? a).textContent.toLowerCase().includes(says.toLowerCase()))"""
    for number, start in enumerate(("index.html", "docs/howto/README.html"), 1):
        page.goto(site + start)
        if page.evaluate(found, [says, to]):
            return number
    return 0


def first(page: Any, site: str, asked: str) -> str:
    """Address of the first page that the search shows, below the site."""
    page.goto(f"{site}search.html?q={quote(asked)}")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    link = page.eval_on_selector("#search-results li a", "one => one.href")
    return link.removeprefix(site).split("?")[0].split("#")[0]


def wrong(site: str, chromium: str) -> Iterator[str]:
    """Each question that is not answered, in a sentence."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for meant, questions in QUESTIONS.items():
            for asked in questions:
                if (shown := first(page, site, asked)) != meant:
                    yield f"the search for {asked!r} shows {shown} before {meant}"
        for says, to in LINKS.items():
            if not clicks(page, site, says, to):
                yield f"no link that says {says!r} leads to {to} within two clicks"
        browser.close()


def main(out: Path) -> int:
    """Say what is not found; answers the exit code."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if chromium is None:
        sys.stdout.write("no Chromium: the search was not tried\n")
        return 0
    said = list(wrong(f"{out.as_uri()}/", chromium))
    sys.stderr.write("".join(f"not found: {line}\n" for line in said))
    asked = sum(map(len, QUESTIONS.values()))
    sys.stdout.write(f"{asked} questions and {len(LINKS)} links asked of the site\n")
    return 1 if said else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="folder of the built site")
    sys.exit(main(parser.parse_args().site.resolve()))
