"""Write all that is made from the code: ``python docs/write.py``, which is ``make docs``.

The pages of methods, metrics, ONNX operators and errors are written anew. A metric is measured
where its file has changed since. A method's figure is drawn where it is missing, or where the
method's file has changed since; so is its photograph, where the reference networks are there
(`pictures.py`). ``--all`` draws every picture again, which takes minutes: after a change of what is
drawn (scenes, colours, sheets). A second run changes nothing.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from xai_heatmap.core.metric import METRICS
from xai_heatmap.core.registry import METHODS

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import demo  # noqa: E402 - these lie beside this file
import generate_methods  # noqa: E402
import generate_metrics  # noqa: E402
import generate_onnx_operators  # noqa: E402
import generate_troubleshooting  # noqa: E402
import method_figures  # noqa: E402
import metric_figures  # noqa: E402
import pictures  # noqa: E402
import user_pages  # noqa: E402

import scenes  # noqa: E402

DRAWN = generate_methods.FOLDER / "drawn.json"
"""Of which text of its file each method's figure, and its photograph, were drawn."""


def fingerprints() -> dict[str, str]:
    """Each method's name, and what its file says in a few letters."""
    homes = {name: sys.modules[own.formula.__module__].__file__ for name, own in METHODS.items()}
    return {
        name: hashlib.sha256(Path(home or "").read_bytes()).hexdigest()[:12]
        for name, home in homes.items()
    }


def stale(kind: str, now: dict[str, str], drawn: dict[str, dict[str, str]]) -> list[str]:
    """Methods whose ``figure`` or ``photograph`` shows another formula than their file has."""
    return [name for name, own in now.items() if drawn.get(name, {}).get(kind) != own]


def draw(*, everything: bool) -> None:
    """Draw what is missing or out of date, and keep of what it was drawn."""
    now = fingerprints()
    drawn = json.loads(DRAWN.read_text("utf-8")) if DRAWN.exists() else {}
    drawn = {name: {} if everything else drawn.get(name, {}) for name in sorted(now)}
    steps = {"figure": method_figures.main}
    if pictures.weights() is not None:
        steps["photograph"] = pictures.main
    for kind, step in steps.items():
        if names := stale(kind, now, drawn):
            step([] if everything else names)
            for name in names:
                drawn[name][kind] = now[name]
    DRAWN.write_text(json.dumps(drawn, indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> None:
    """Write pages, and the pictures that they need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="draw every picture again")
    everything = parser.parse_args().all
    draw(everything=everything)
    if names := list(METRICS) if everything else metric_figures.stale():
        metric_figures.main(names)
    generate_methods.write(generate_methods.FOLDER, generate_methods.pages())
    generate_metrics.write(generate_metrics.FOLDER, generate_metrics.pages())
    generate_onnx_operators.main()
    generate_troubleshooting.main()
    if everything or not scenes.PICTURE.exists():
        scenes.main()
    if everything or not demo.PICTURE.exists():
        demo.main()
    if everything or not all(path.exists() for path in user_pages.PICTURES):
        user_pages.main()


if __name__ == "__main__":
    main()
