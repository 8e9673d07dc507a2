"""Build the site: ``python docs/site/build.py [OUT]``, which is ``make site``.

Pages are copied as they lie in the repository, so that every link between them holds; pages of the
public names are written from the package; Sphinx makes HTML of them, warnings being errors. Then
every link from page to page is followed, and ``llms.txt`` lists the pages for those who read no
HTML.
"""

import argparse
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

import xai_heatmap

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from gallery import write_gallery  # noqa: E402 - these lie beside this file
from llms import write_llms  # noqa: E402
from uses import shown  # noqa: E402
from versions import choice, kept, put_back  # noqa: E402
from words import write_words  # noqa: E402

PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"),
    *(
        "docs/**/*.md",
        "benchmarks/*.md",
        "findings/*",
        "docs/**/*.jpg",
        "docs/**/*.png",
        "docs/**/*.webp",
    ),
    *("examples/**/*", "CITATION.cff", "LICENSE"),
)
GROUPS = {
    "Explain": (
        "network", "explain", "compare", "maps", "answer", "together", "measure", "export",
        "batch", "open_run", "findings", "drift", "audit", "video", "serve", "detector",
    ),
    "Targets": (
        "category", "top", "negative", "contrast", "margin", "rest", "similar", "probability",
        "likeness", "function", "residual_softmax", "weighted", "place", "region", "step", "box",
        "boxes", "suppressed", "instance_mask", "keypoint", "text", "token",
    ),
    "What comes out": (
        "Explanation", "Explanations", "Comparison", "Verdict", "Tested", "Measured", "Prediction",
        "Detection", "Answered", "Word", "StoredRun", "Drift", "Findings", "Finding", "Audit",
    ),
    "Words for pictures, boxes and layers": (
        "Preprocess", "Boxes", "Geometry", "Layer", "Network", "Recording", "Target", "Choice",
        "Method", "Metric", "method", "metric", "whole", "activation_of",
    ),
    "The API it grew from": ("XAIHeatmap", "XAIActivations", "XVisTool", "Drawer"),
}  # fmt: skip
OF_MODULES = {"Training": "xai_heatmap.training", "Scenes": "xai_heatmap.scenes",
              "Metrics": "xai_heatmap.metrics", "Errors": "xai_heatmap.core.errors"}  # fmt: skip


def stage(into: Path) -> None:
    """Copy the pages, and write those that are made from the package."""
    shutil.rmtree(into, ignore_errors=True)
    for pattern in PAGES:
        for path in ROOT.glob(pattern):
            if path.is_file() and "site" not in path.relative_to(ROOT).parts[:2]:
                copy = into / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    for path in (HERE / "index.md", HERE / "conf.py", HERE / "scorer.js"):
        shutil.copy(path, into)
    shutil.copytree(HERE / "_static", into / "_static", dirs_exist_ok=True)
    contributing = into / "CONTRIBUTING.md"
    told = contributing.read_text("utf-8").replace(
        "(docs/decisions/)", "(docs/decisions/README.md)"
    )
    contributing.write_text(told, "utf-8")
    write_touch(into / "docs" / "guide" / "touch")
    write_api(into / "api")
    write_list(
        into / "docs" / "decisions", "Decisions", "Why things are as they are, one page each."
    )
    write_list(into / "docs" / "coming-from", "Coming from", "From another package, call by call.")
    for folder in ("methods", "metrics", "guide", "howto"):
        readme = into / "docs" / folder / "README.md"
        own = sorted(path.stem for path in readme.parent.glob("*.md") if path != readme)
        readme.write_text(readme.read_text("utf-8") + tree(own), "utf-8")
    write_gallery(into, _address())
    write_words(into)


def _address() -> str:
    """Public address of the repository, which links to Colab need; empty where none is declared."""
    said = metadata.metadata("xai-heatmap").get_all("Project-URL") or []
    return next((one.split(", ")[1] for one in said if "https://github.com/" in one), "")


def write_touch(folder: Path) -> None:
    """Pages of the guide that one can touch: explanations with the viewer inside."""
    folder.mkdir(parents=True)
    scene, marked = xai_heatmap.scenes.scene(47), xai_heatmap.scenes.scene(47, mark=True)
    demo = xai_heatmap.network("demo")
    for name, made in {
        "layers": xai_heatmap.compare(
            demo, scene.image, layers="all", methods=["gradcam", "hirescam", "layercam"]
        ),
        "classes": xai_heatmap.compare(demo, scene.image, targets=["rabbit", "cat", "mug"]),
        "networks": xai_heatmap.Comparison(
            tuple(
                one
                for network in ("demo", "demo-cheat")
                for one in xai_heatmap.compare(network, marked.image, layers=["stem", "features"])
            )
        ),
    }.items():
        made.save(folder / f"{name}.html")


def tree(pages: list[str]) -> str:
    """The hidden list of a page's own pages."""
    return "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"


def write_list(folder: Path, title: str, about: str) -> None:
    """A page that lists the pages of a folder, where it has none."""
    readme = folder / "README.md"
    if readme.exists():
        return
    pages = sorted(path for path in folder.glob("*.md"))
    lines = [f"- [{_title(path)}]({path.name})" for path in pages]
    readme.write_text(
        f"# {title}\n\n{about}\n\n" + "\n".join(lines) + "\n" + tree([one.stem for one in pages]),
        "utf-8",
    )


def _title(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0].lstrip("# ").strip()


def write_api(folder: Path) -> None:
    """A page for each group of public names; a name that no group has is an error."""
    folder.mkdir(parents=True)
    grouped = {name for names in GROUPS.values() for name in names}
    elsewhere = {"metrics", "scenes", "training", "XaiHeatmapError"}
    if missing := set(xai_heatmap.__all__) - grouped - elsewhere | grouped - set(
        xai_heatmap.__all__
    ):
        raise SystemExit(f"docs/site/build.py: put into a group, or take out: {sorted(missing)}")
    pages = dict[str, str]()
    for title, names in GROUPS.items():
        pages[title] = "\n".join(_entry(name) for name in names)
    for title, module in OF_MODULES.items():
        pages[title] = f"```{{eval-rst}}\n.. automodule:: {module}\n   :show-inheritance:\n```\n"
    for title, text in pages.items():
        (folder / f"{_file(title)}.md").write_text(f"# {title}\n\n{text}", "utf-8")
    lines = [f"- [{title}]({_file(title)}.md)" for title in pages]
    (folder / "README.md").write_text(
        "# Every public name\n\n" + "\n".join(lines) + "\n" + tree([_file(one) for one in pages]),
        "utf-8",
    )


def _entry(name: str) -> str:
    kind = "autoclass" if isinstance(getattr(xai_heatmap, name), type) else "autofunction"
    return f"```{{eval-rst}}\n.. {kind}:: xai_heatmap.{name}\n```\n{shown(name)}"


def _file(title: str) -> str:
    return title.lower().replace(" ", "-").replace(",", "")


class _Links(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links, self.anchors = list[str](), set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken(out: Path) -> list[str]:
    """Links from page to page that lead nowhere, and whatever would be fetched from elsewhere."""
    read = dict[Path, _Links]()
    for page in out.rglob("*.html"):
        read[page] = _Links()
        read[page].feed(page.read_text("utf-8"))
    found = list[str]()
    for page, own in read.items():
        for link in own.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            known = read.get(target)
            if not target.exists() or (
                parts.fragment and known and unquote(parts.fragment) not in known.anchors
            ):
                found.append(f"{page.relative_to(out)}: {link}")
    return found


MENDED = (
    (re.compile(r'(<p class="caption" role="heading")(?! aria-level)'), r'\1 aria-level="2"'),
    (
        re.compile(r'<aside class="sidebar-drawer">'),
        '<aside class="sidebar-drawer" aria-label="Pages">',
    ),
    (re.compile(r'<aside class="toc-drawer'), '<aside aria-label="On this page" class="toc-drawer'),
    (re.compile(r"<pre>"), '<pre tabindex="0">'),
    (re.compile(r"<th[^>]*>\s*(?:<p>\s*</p>)?\s*</th>"), "<td></td>"),
    (re.compile(r'(<div id="search-results")'), r"<h1>Search</h1>\1"),
)
"""What the theme leaves for readers of screens and for keyboards: levels of headings, names of
landmarks, code that can be scrolled without a mouse, tables whose first corner is empty."""


def accessible(page: str) -> str:
    """The HTML of a page with `MENDED` mended."""
    for pattern, better in MENDED:
        page = pattern.sub(better, page)
    return page


def _finish(out: Path, version: str, older: Sequence[str]) -> None:
    """Mend what the theme leaves, and say which version a page is of."""
    for page in out.rglob("*.html"):
        if "touch" not in page.parts:
            up = "../" * (len(page.relative_to(out).parts) - 1)
            said = f'{choice(version, older, up)}<div class="sidebar-scroll">'
            text = accessible(page.read_text("utf-8"))
            page.write_text(text.replace('<div class="sidebar-scroll">', said, 1), "utf-8")


def main(out: Path) -> int:
    """Stage, build, look for broken links; answers the exit code."""
    staged = out.with_name(f"{out.name}-pages")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stage(staged)
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "2", "-b", "html"]
    version, aside = metadata.version("xai-heatmap"), out.with_name(f"{out.name}-older")
    older = kept(out, version, aside)
    shutil.rmtree(out, ignore_errors=True)  # a page of before would keep links of before
    code = subprocess.run([*words, str(staged), str(out)], check=False).returncode  # noqa: S603
    if code:
        put_back(out, version, older, aside)
        return code
    shutil.copytree(staged / "docs" / "guide" / "touch", out / "docs" / "guide" / "touch")
    _finish(out, version, older)
    put_back(out, version, older, aside)
    write_llms(staged, out, GROUPS, OF_MODULES)
    wrong = broken(out)
    sys.stderr.write("".join(f"broken: {line}\n" for line in wrong))
    pages = len(re.findall(r"^- ", (out / "llms.txt").read_text("utf-8"), re.MULTILINE))
    sys.stdout.write(f"{pages} pages and the public names, in {out / 'index.html'}\n")
    return 1 if wrong else 0


def _asked() -> Path:
    """The folder that the command line names: none that holds anything but a site."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "site", help="its folder")
    out = parser.parse_args().out.resolve()
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "llms.txt").exists()):
        parser.error(f"{out} holds something that is no site, and would be replaced. Name another.")
    return out


if __name__ == "__main__":
    sys.exit(main(_asked()))
