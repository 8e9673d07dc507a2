"""Versions of the site: earlier ones are kept in it, and each page says which one it is.

Whoever builds a new version over the site of an earlier one keeps that below ``older/``. The list
stands in the page itself and in ``versions.json``, so that it works from disk, where a page may
read no file.
"""

import json
import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

FILE = "versions.json"
SAID = re.compile(r'<p class="versions">.*?</p>')


def kept(out: Path, version: str, aside: Path) -> list[str]:
    """Versions that lie in `out` already, newest first, moved to the folder `aside`."""
    shutil.rmtree(aside, ignore_errors=True)
    if not (out / FILE).exists():
        return []
    before = json.loads((out / FILE).read_text("utf-8"))
    older = [name for name in before["older"] if (out / "older" / name).exists()]
    aside.mkdir(parents=True)
    for name in older:
        shutil.move(out / "older" / name, aside / name)
    shutil.rmtree(out / "older", ignore_errors=True)
    if before["version"] != version:
        for page in out.rglob("*.html"):  # earlier ones lie beside it from now on
            text = page.read_text("utf-8")
            page.write_text(SAID.sub(lambda one: one[0].replace("older/", "../"), text), "utf-8")
        shutil.move(out, aside / before["version"])
        older = [before["version"], *(one for one in older if one != version)]
    return older


def put_back(out: Path, version: str, older: Sequence[str], aside: Path) -> None:
    """Earlier versions into the site, with the list of all."""
    out.mkdir(exist_ok=True)
    for name in older:
        (out / "older").mkdir(exist_ok=True)
        shutil.move(aside / name, out / "older" / name)
    shutil.rmtree(aside, ignore_errors=True)
    said = {"version": version, "older": list(older)}
    (out / FILE).write_text(json.dumps(said, indent=1) + "\n", "utf-8")


def choice(version: str, older: Sequence[str], up: str) -> str:
    """HTML that says the version of a page, and leads to the others.

    Parameters
    ----------
    version, older
        Of the page, and earlier ones.
    up
        From the page to the root of the site: ``../`` for each folder.
    """
    links = "".join(
        f' <a href="{up}older/{escape(one)}/index.html">{escape(one)}</a>' for one in older
    )
    earlier = f"; earlier:{links}" if older else ""
    return f'<p class="versions">Version {escape(version)}{earlier}</p>'
