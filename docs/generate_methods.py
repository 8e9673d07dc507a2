"""Write docs/methods, a page for each method: ``python docs/generate_methods.py``.

make mypages PHOTO=me.jpg MODEL=resnet.onnx OUT=my-methods

writes the same pages into a folder of your own, and on each what the method says of your photograph
and your model.

What they say comes from the registry, figures from `method_figures.py`, measurements from
benchmarks/costs.json and truth.json; what is not there yet is left out or called "not measured".
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import xai_heatmap as xh
import xai_heatmap.methods  # registers every method
from xai_heatmap.apps.cli.citations import cited, reference
from xai_heatmap.apps.cli.methods import grouped
from xai_heatmap.core.registry import METHODS, MODIFIERS, Method, Modifier
from xai_heatmap.networks.onnx.formulas import FORMULAS
from xai_heatmap.sources.labels import labels as read_labels

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import measured  # noqa: E402 - lies beside this file
import method_figures  # noqa: E402
import which_method  # noqa: E402
from page_text import cell, linked, write  # noqa: E402

FOLDER = HERE / "methods"

Photographed = dict[str, dict]
"""What is said of a user's photograph, by method."""

HEAD = """# Methods

**[Which method when?](which.md)** A table to choose from: measured costs, and how right each is.

A method is a formula over one image's arrays: A, what the layer said (`activation`); G = ∂y/∂A, the
`gradient` of the explained score y; the `head`, which gives y for other activations; the `model`,
which gives y for other pictures x. Only what a method names is computed. These pages are written
from the methods themselves by `make docs`; a test fails where one is out of date.

y is a logit unless a target says otherwise: `target=probability(3)`, `contrast(3, against=5)`.
Every method works at every layer with a grid, and at `input`, the picture itself, unless its page
says otherwise. `auto` is the layer that the network suggests; for methods of pixels it is `input`.
Every map is raw: nothing is normalised but by the formula.
"""

TESTED = """
## How each is tested

- **Oracles** (`testing/oracles/`): the paper's sums once more, as slow loops in double precision,
  compared on random arrays to 1e-5 of the largest value.
- **Theorems**: completeness, what a linear head must give, what cancels out, what must be empty.
- **Every option** has a test that fails where it is ignored, every method one for its number of
  passes (`tests/methods/test_heads.py`, `test_every_backend.py`).
- **Every backend**: the same weights in PyTorch, Keras (on TensorFlow, JAX and torch) and ONNX give
  the same map to 1e-4; three pictures at once give what each gives alone.
- **Photographs** (`tests/test_trained_networks.py`): the heat lies on what the label names.
"""

MODIFIED = """## Around any method

A name before a method's name and a colon makes another method of it, wherever a method is named:
`method="smooth:layercam"`, `--method smooth:layercam`. It has the options of both.
"""

DETECTING = "petsiuk2021drise"

DETECTED = """## Of a detector

Every method explains a box of a detector that answers scores and boxes, such as DETR, YOLOS or an
exported YOLO or RetinaNet: `target=box((10, 20, 200, 180), "dog")`. The box nearest to the one that
is asked for is chosen once and then held, so that all methods explain one and the same number, and
one with a gradient. `box(..., held=False)` measures as D-RISE does, max IoU(b, b_q) · p_q over all
boxes of whatever picture the network is shown; with `rise` that is D-RISE. Detectors that choose
among their boxes inside (non-maximum suppression) are explained by `xai_heatmap.detector`, from
outside.
"""

AUTO = {
    "auto": "the layer that the network suggests",
    "input": "`input`, the picture itself",
    "finest": "the finest layer that goes with the one that the network suggests",
}


def pages(photographed: Photographed | None = None) -> dict[str, str]:
    """Every page's text by its file name; with the photograph of docs/pictures.py, or another."""
    shipped = FOLDER / "photographs.json"
    own = json.loads(shipped.read_text("utf-8")) if photographed is None else photographed
    figures = FOLDER / "figures.json"
    drawn = json.loads(figures.read_text("utf-8")) if figures.exists() else {}
    told = {
        f"{method.name}.md": _page(
            method,
            reference(method.cite),
            [*_figure(method, drawn.get(method.name, [])), *_photo(method.name, own)],
        )
        for method in METHODS.values()
    }
    return told | {"README.md": _index(), "which.md": which_method.page()}


def _index() -> str:
    tables = []
    for title, methods in grouped(list(METHODS.values())).items():
        rows = [_row(method, _short(method.cite)) for method in methods]
        head = ["| Method | Use it when | Passes | Paper |", "|---|---|---|---|"]
        tables += [f"### {title.capitalize()}\n", *head, *rows, ""]
    exported = ", ".join(f"[`{name}`]({name}.md)" for name in FORMULAS)
    return "\n".join(
        [
            HEAD,
            f"## {len(METHODS)} methods\n",
            *tables,
            f"`xai-heatmap export` can build {exported} into an ONNX file.\n",
            MODIFIED,
            *(_modified(own, reference(own.cite)) for own in MODIFIERS.values()),
            DETECTED,
            f"{linked(reference(DETECTING))}\n",
            TESTED.lstrip("\n"),
        ]
    )


def _short(cite: str) -> str:
    paper = cited(cite)
    return reference(cite) if paper is None else paper.short


def _row(method: Method, paper: str) -> str:
    cells = (f"[`{method.name}`]({method.name}.md)", method.use_when, method.cost, linked(paper))
    return f"| {' | '.join(map(cell, cells))} |"


def _page(method: Method, paper: str, figures: list[str]) -> str:
    needs = ", ".join(f"`{name}`" for name in sorted(method.needs))
    facts = {
        "Needs": needs if method.differentiates else f"{needs}; no gradients",
        "Passes": method.cost,
        "Measured": _measured(method),
        "`auto` is": AUTO[method.auto],
        "Values": "signed: negative is evidence against" if method.signed else _unsigned(method),
        "Options": ", ".join(f"`{option}`" for option in method.taken.values()) or "none",
        "Export": _export(method.name),
        "Paper": linked(paper),
    }
    return "\n".join(
        [
            f"# {method.name}\n",
            f"**Use it when** {method.use_when}.\n",
            f"```\n{method.summary.removesuffix('.')}\n```\n",
            *([method.remarks.replace("``", "`"), ""] if method.remarks else []),
            "| | |",
            "|---|---|",
            *(f"| {name} | {cell(fact)} |" for name, fact in facts.items()),
            "",
            *figures,
            *_right(method),
            *_own(method),
            "[All methods](README.md) · [Which method when?](which.md)\n",
        ]
    )


def _unsigned(method: Method) -> str:
    if "relu" in method.options:
        return "evidence for; with `relu=False` negative values are evidence against"
    return "how much, not in which direction"


def _measured(method: Method) -> str:
    said = {
        title: (measured.ratio(method.name, network), measured.memory(method.name, network))
        for network, title in measured.networks(method).items()
    }
    if {ratio for ratio, _ in said.values()} == {measured.UNKNOWN}:
        return measured.UNKNOWN
    parts = [
        f"{title}: {ratio}" + (f", {memory} more" if memory else "")
        for title, (ratio, memory) in said.items()
    ]
    return f"of one bare forward pass, {'; '.join(parts)} ([how](../../benchmarks/README.md))"


def _export(name: str) -> str:
    if name in FORMULAS:
        return f"`xai-heatmap export MODEL OUT --method {name}` builds it into an ONNX file"
    return "not built into ONNX files; any model is explained by it in Python"


def _figure(method: Method, drawn: list[dict]) -> list[str]:
    shown = [one for one in drawn if "refused" not in one]
    lines = []
    if (FOLDER / "images" / f"{method.name}.webp").exists() and shown:
        says = "; ".join(
            f"at `{one['layer']}` {one['energy']:.0%}"
            + ("" if one["verdict"] == "ok" else f", verdict `{one['verdict']}`")
            for one in shown
        )
        picture = f"A drawn bird, and where {method.name} says the network looks"
        caption = (
            "A planted scene, the network `demo`, outlined the object. Of the heat there lies on "
            f"the object: {says}. Its share of the picture is {shown[0]['area']:.0%}."
        )
        lines += [f"![{picture}](images/{method.name}.webp)\n", f"*{caption}*\n"]
    for one in drawn:
        if "refused" in one:
            where = "the layer that `demo` suggests" if one["layer"] == "auto" else one["layer"]
            lines.append(f"At {where} it refuses: {one['refused']}\n")
    return lines


def _photo(name: str, photographed: Photographed) -> list[str]:
    """The figure on a user's photograph, where there is one."""
    shown = photographed.get(name)
    if shown is None:
        return []
    if "refused" in shown:
        return [f"On the photograph it refuses: {shown['refused']}\n"]
    caption = (
        f"A photograph, and why {shown['network']} says {shown['target']} ({shown['score']:.3g}), "
        f"at `{shown['layer']}`. Verdict: {shown['verdict']}. "
        f"{shown.get('credit', '')}"
    )
    picture = f"A photograph, and where {name} says the network looks"
    return [f"![{picture}](images/photo_{name}.webp)\n", f"*{caption.strip()}*\n"]


def _right(method: Method) -> list[str]:
    """How right it is on planted scenes, where that has been measured."""
    layer = measured.auto(method)
    energy = measured.right(method.name, layer, "energy / area")
    pointing = measured.right(method.name, layer, "pointing game")
    if energy is None:
        return []
    said = (
        f"On planted scenes, at `auto`: {energy:.2f} times as much heat on the object as its area "
        f"gets by chance; the strongest place lies on it in {measured.share(pointing)} "
        "([all figures](which.md))."
    )
    return [f"{said}\n"]


def _own(method: Method) -> list[str]:
    model = "photo.jpg --model torchvision:resnet50"
    names = ",".join(dict.fromkeys([method.name, "gradcam", "layercam"]))
    return [
        "## On a photograph of your own\n",
        f"```sh\nxai-heatmap explain {model} --method {method.name}\n```\n",
        "```python",
        f'xh.explain(model, "photo.jpg", preprocess="imagenet", method="{method.name}")',
        "```\n",
        "Beside others, at every depth, on one sheet:\n",
        f"```sh\nxai-heatmap compare {model} --layers all --methods {names}\n```\n",
    ]


def _modified(modifier: Modifier, paper: str) -> str:
    options = ", ".join(f"`{option}`" for option in modifier.taken.values())
    return "\n".join(
        [
            f"### {modifier.name}:NAME\n",
            f"`{modifier.summary.removesuffix('.')}`,  M the map of NAME.\n",
            f"{modifier.remarks.replace('``', '`')}\n",
            f"- Use it when {modifier.use_when}.",
            f"- Passes: {modifier.passes} x those of NAME.",
            f"- Options: {options}.",
            f"- {linked(paper)}\n",
        ]
    )


def main() -> None:
    """Write every page, and remove those of methods that are gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", help="a photograph of your own; needs --model and --out")
    parser.add_argument("--model", help="a model, as `xai-heatmap explain` takes it")
    parser.add_argument("--preprocess", help="a preset's name, where the model does not say")
    parser.add_argument("--labels", type=Path, help="a file that names the classes")
    parser.add_argument("--out", type=Path, help="the folder for these pages; a new one")
    asked = parser.parse_args()
    given = [asked.photo, asked.model, asked.out]
    if any(given) and not all(given):
        parser.error("--photo, --model and --out go together")
    if asked.photo is None:
        write(FOLDER, pages())
        return
    if asked.out.exists():
        parser.error(f"{asked.out} is there already; name a new folder")
    drawn = FOLDER / "images"
    shutil.copytree(drawn, asked.out / "images", ignore=shutil.ignore_patterns("photo_*"))
    photographed = _photographed(
        xh.network(asked.model), asked.photo, asked.out / "images", asked.preprocess, asked.labels
    )
    write(asked.out, pages(photographed))


def _photographed(
    network: xh.Network, photo: str, folder: Path, preprocess: str | None, labels: Path | None
) -> Photographed:
    """Draw the photograph for every method, beside the planted scenes."""
    names = read_labels(labels) if labels else None
    found = {}
    for name in METHODS:
        found[name] = method_figures.photographed(
            network, photo, name, folder, preprocess=preprocess, labels=names
        )
        print(name, found[name], flush=True)
    return found


if __name__ == "__main__":
    main()
