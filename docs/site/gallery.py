"""Notebooks as pages of the site: their cells and what is kept of their outputs, with a gallery.

A notebook is executed by `make notebooks` and in the tests; a page shows what it holds, and runs
nothing.
"""

import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path("examples", "notebooks")


def write_gallery(staged: Path, address: str = "") -> None:
    """Write a page for each notebook, and what leads to them into the page of notebooks.

    Parameters
    ----------
    staged
        Folder of the pages.
    address
        Public address of the repository on GitHub, for links to Colab; without one there are none.
    """
    listed = staged / "docs" / "notebooks.md"
    text = listed.read_text("utf-8")
    shown, names = ["\n## Pictures\n"], list[str]()
    for path in sorted((staged / FOLDER).glob("*.ipynb")):
        page, pictures = as_page(path, address)
        path.with_suffix(".md").write_text(page, "utf-8")
        text = text.replace(f"({Path('..', FOLDER, path.name)})", f"(../{FOLDER}/{path.stem}.md)")
        names.append(f"/{FOLDER}/{path.stem}")
        if pictures:
            title = page.partition("\n")[0].lstrip("# ")
            shown.append(
                f"[{title}](../{FOLDER}/{path.stem}.md)\n\n"
                f"```{{image}} ../{FOLDER}/{pictures[0].name}\n:alt: A picture out of {title}\n"
                ":width: 420px\n```\n"
            )
    tree = "\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
    listed.write_text(text + "\n".join(shown) + tree, "utf-8")


def as_page(path: Path, address: str = "") -> tuple[str, list[Path]]:
    """Markdown of a notebook, and its pictures, which are written beside it."""
    pictures, parts = list[Path](), list[str]()
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_output(one, path, pictures) for one in cell["outputs"]]
    title, _, rest = "\n\n".join(parts).partition("\n")
    colab = f" · [open in Colab]({_colab(path, address)})" if address else ""
    return f"{title}\n\n[The notebook]({path.name}){colab}\n{rest}\n", pictures


def _output(output: dict[str, Any], path: Path, pictures: list[Path]) -> str:
    """An output of a cell as Markdown."""
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = output["data"]
    if "image/jpeg" in data:
        picture = path.with_name(f"{path.stem}-{len(pictures) + 1}.jpg")
        picture.write_bytes(base64.b64decode("".join(data["image/jpeg"])))
        pictures.append(picture)
        return f"![What the cell above shows]({picture.name})"
    if "text/html" in data:
        return f"```{{raw}} html\n{''.join(data['text/html'])}\n```"
    return f"```text\n{''.join(data['text/plain'])}\n```"


def _colab(path: Path, address: str) -> str:
    """Address at which Colab opens a notebook of a repository on GitHub."""
    owner = address.rstrip("/").removesuffix(".git").removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{owner}/blob/main/{FOLDER}/{path.name}"
