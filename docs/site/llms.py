"""``llms.txt``: every page in a line, and the pages as they were written beside it, for those who
read no HTML.
"""

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xai_heatmap

SECTIONS = (
    ("Begin", r"README\.md|CHANGELOG\.md|docs/(guide|coming-from)/.*"),
    ("How to", r"docs/howto/.*|docs/(?!architecture|agreement|onnx|generate)[^/]*\.md"),
    ("Notebooks", r"examples/.*"),
    ("Methods", r"docs/methods/.*"),
    ("Metrics", r"docs/metrics/.*"),
    ("Every public name", r"api/.*"),
    ("Optional", r".*"),
)
"""Sections, and the pages in each that no section before has."""

ABOUT = (
    "> Heatmaps for any layer of any PyTorch, Keras 3 or ONNX network, that say what they are "
    "worth: `import xai_heatmap as xh; xh.explain(model, picture)`."
)

LEFT_OUT = re.compile(r"```\{(?:index|toctree)\}.*?```\n", re.DOTALL)
"""What is for the site alone."""


def write_llms(
    staged: Path, out: Path, groups: Mapping[str, Sequence[str]], modules: Mapping[str, str]
) -> None:
    """Write the list and the pages; of public names, what they say of themselves."""
    pages = dict[str, str]()
    for page in sorted(staged.rglob("*.md")):
        where = page.relative_to(staged).as_posix()
        if where != "index.md" and not where.startswith("api/"):
            pages[where] = LEFT_OUT.sub("", page.read_text("utf-8"))
    for title, names in groups.items():
        own = [_said(f"xai_heatmap.{one}", getattr(xai_heatmap, one)) for one in names]
        pages[f"api/{title.lower().replace(' ', '-').replace(',', '')}.md"] = _page(title, own)
    for title, name in modules.items():
        module = importlib.import_module(name)
        own = [
            _said(f"{name}.{one}", held)
            for one, held in vars(module).items()
            if not one.startswith("_")
            and getattr(held, "__module__", "").startswith("xai_heatmap")
            and (inspect.isclass(held) or inspect.isfunction(held))
        ]
        pages[f"api/{title.lower()}.md"] = _page(title, [inspect.getdoc(module) or "", *own])
    for where, text in pages.items():
        copy = out / "pages" / where
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, "utf-8")
    (out / "llms.txt").write_text(listed(pages), "utf-8")


def listed(pages: Mapping[str, str]) -> str:
    """The list of pages, by sections."""
    lines = [
        "# XAI Heatmap",
        "",
        ABOUT,
    ]
    left = dict(pages)
    for title, pattern in SECTIONS:
        own = [where for where in left if re.fullmatch(pattern, where)]
        lines += ["", f"## {title}", ""] if own else []
        for where in own:
            text = left.pop(where)
            name = text.partition("\n")[0].lstrip("# ").strip()
            lines.append(f"- [{name}](pages/{where}){_about(text)}")
    return "\n".join(lines) + "\n"


def _about(text: str) -> str:
    """First sentence of a page, if it begins with words."""
    for part in text.split("\n\n")[1:4]:
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(part.split()))
        plain = re.sub(r"[*`]", "", plain)
        if plain[:1].isalpha() and not part.lstrip().startswith("```"):
            return ": " + re.split(r"(?<=[.?:])\s", plain)[0].rstrip(":")[:200]
    return ""


def _page(title: str, parts: Sequence[str]) -> str:
    return f"# {title}\n\n" + "\n\n".join(parts) + "\n"


def _said(name: str, held: Any) -> str:
    """A public name with its signature and docstring, of a class with those of its methods."""
    parts = [f"## {name}{_signature(held)}\n\n{inspect.getdoc(held) or ''}"]
    if inspect.isclass(held):
        for one, own in vars(held).items():
            held_by = own.fget if isinstance(own, property) else getattr(own, "__func__", own)
            if not one.startswith("_") and inspect.isfunction(held_by) and held_by.__doc__:
                said = "" if isinstance(own, property) else _signature(held_by)
                parts.append(f"### {one}{said}\n\n{inspect.getdoc(held_by)}")
    return "\n\n".join(parts)


def _signature(held: Any) -> str:
    try:
        return str(inspect.signature(held))
    except (TypeError, ValueError):
        return ""
