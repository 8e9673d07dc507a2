"""Examples of a public name: where the pages use it, and the shortest block that does."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/howto/*.md",
    "docs/guide/*.md",
    "docs/coming-from/*.md",
)
BLOCK = re.compile(r"```python[^\n]*\n(.*?)```", re.DOTALL)
LONGEST = 14
"""Lines of a block that is shown beside a name; longer ones are led to."""

SHOWN_BY = {
    **dict.fromkeys(("Explanation", "Explanations", "Verdict", "Prediction", "Tested"), "explain"),
    **dict.fromkeys(("Detection", "Boxes"), "boxes"),
    **dict.fromkeys(("Answered", "Word"), "answer"),
    **dict.fromkeys(("Findings", "Finding"), "findings"),
    **dict.fromkeys(("Layer", "Network", "Recording"), "network"),
    **dict.fromkeys(("Target", "Choice"), "contrast"),
    "Comparison": "compare", "Measured": "measure", "StoredRun": "open_run", "Drift": "drift",
    "Audit": "audit", "Method": "method", "Metric": "metric",
}  # fmt: skip
"""What is not called but comes out of a call, and that call."""


@cache
def _pages() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Name, title and blocks of each page that has any, and its whole text as the last block."""
    found = list[tuple[str, str, tuple[str, ...]]]()
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            text = page.read_text("utf-8")
            title = text.partition("\n")[0].lstrip("# ").strip()
            found.append((str(page.relative_to(ROOT)), title, (*BLOCK.findall(text), text)))
    return tuple(found)


def _calls(name: str) -> re.Pattern[str]:
    """Uses of a public name, as attribute of the package or on its own in a line of code."""
    return re.compile(
        rf"(?<![\w.])(?:xh|xai_heatmap)\.{name}\b|`{name}[`(]|\b{name}\(", re.MULTILINE
    )


def examples(name: str) -> tuple[str, list[tuple[str, str]]]:
    """The shortest block that uses a name, empty where all are long, and the pages that use it by
    name and title.
    """
    use = _calls(SHOWN_BY.get(name, name))
    blocks, pages = list[str](), list[tuple[str, str]]()
    for page, title, own in _pages():
        found = [one for one in own[:-1] if use.search(one)]
        blocks += [one for one in found if one.count("\n") <= LONGEST]
        if found or use.search(own[-1]):
            pages.append((page, title))
    return min(blocks, key=len, default=""), pages


def shown(name: str) -> str:
    """Markdown with the examples of a name, as a page in ``api/`` shows it."""
    block, pages = examples(name)
    if not pages:
        return ""
    links = ", ".join(f"[{title}](../{page})" for page, title in pages[:8])
    code = f"```python\n{block}```\n\n" if block else ""
    return f"\n{code}*Used in:* {links}\n"
