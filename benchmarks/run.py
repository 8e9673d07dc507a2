"""Measure and print the tables: ``python -m benchmarks.run --help``."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import agreement, machine, starting, tables
from benchmarks.networks import ROOT, SUBJECTS
from benchmarks.reasons import without_folders
from benchmarks.settings import FRAMEWORKS, PRECISIONS, Settings, quick

PARTS = (*FRAMEWORKS, "starting")

README = Path(__file__).with_name("README.md")

MARKS = {
    "cpu": ("<!-- figures: processor -->", "<!-- end of figures: processor -->"),
    "cuda": ("<!-- figures: card -->", "<!-- end of figures: card -->"),
}
"""Between which lines of the README the tables stand."""


def main() -> None:
    """Measure, print, and write where asked to."""
    asked = _arguments()
    device = asked.device if asked.device != "auto" else _best_device()
    settings = _settings(asked, device)
    parts = asked.only or (["torch"] if device == "cuda" else list(PARTS))
    records = list(_records(parts, settings))
    details = [one for r in records if r["kind"] == "framework" for one in r["versions"]]
    text = tables.document(records, machine.line(details), quick=asked.quick)
    print(text)
    if asked.write:
        tables.put(README, MARKS[device], text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    several = {"type": lambda text: text.split(",")}
    parser.add_argument("--only", help=f"parts, of {','.join(PARTS)}", **several)
    parser.add_argument("--networks", help=f"of {','.join(SUBJECTS)}", **several)
    parser.add_argument("--batches", help="batch sizes, such as 1,16", **several)
    parser.add_argument(
        "--precisions", help=f"of {','.join(PRECISIONS)}; on a card both", **several
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--gpu", action="store_true", help="PyTorch on the card, in a few minutes; needs a card"
    )
    parser.add_argument("--seconds", type=float, help="time for each case, after 7 rounds")
    parser.add_argument("--quick", action="store_true", help="see that it runs, in a minute")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    asked = parser.parse_args()
    if asked.gpu:
        if _best_device() != "cuda":
            parser.error("--gpu measures on a card, and PyTorch finds none here")
        asked.device, asked.only, asked.seconds = "cuda", ["torch"], asked.seconds or 2.5
    named = ((asked.only, PARTS), (asked.networks, SUBJECTS), (asked.precisions, PRECISIONS))
    for given, known in named:
        for name in given or ():
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    return asked


def _settings(asked: argparse.Namespace, device: str) -> Settings:
    sizes = (1, 16, 64) if device == "cuda" else (1, 16)
    if asked.quick:
        sizes = (1, 2)
    batches = tuple(map(int, asked.batches)) if asked.batches else sizes
    networks = tuple(asked.networks or (("squeezenet",) if asked.quick else SUBJECTS))
    precisions = asked.precisions or (PRECISIONS if device == "cuda" else PRECISIONS[:1])
    settings = Settings(networks, batches, device, tuple(precisions))
    if asked.quick:
        return quick(settings)
    return dataclasses.replace(settings, seconds=asked.seconds) if asked.seconds else settings


def _records(parts: Sequence[str], settings: Settings) -> Iterator[dict[str, Any]]:
    frameworks = [part for part in parts if part in FRAMEWORKS]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for framework in frameworks:
            yield from _measured(framework, settings, folder)
        yield from agreement.records(folder, frameworks)
    if "starting" in parts:
        yield from starting.records(settings.starts)


def _measured(framework: str, settings: Settings, folder: Path) -> Iterator[dict[str, Any]]:
    """One framework in its own process; what it had found before a crash is kept."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", framework, str(folder)],
        check=False,
        input=json.dumps(dataclasses.asdict(settings)),
        text=True,
        cwd=ROOT,
        env=_environment(framework, settings.device),
    )
    found = folder / f"{framework}.jsonl"
    yield from map(json.loads, found.read_text().splitlines() if found.is_file() else ())
    if done.returncode:
        why = without_folders(f"its process ended with {done.returncode}; see the log above")
        yield {
            "kind": "missing",
            "of": "framework",
            "framework": framework,
            "row": "the rest",
            "reason": why,
        }


def _environment(framework: str, device: str) -> dict[str, str]:
    backend = {"tensorflow": "tensorflow", "jax": "jax", "keras-torch": "torch"}.get(framework)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    chosen = {"KERAS_BACKEND": backend} if backend else {}
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    return dict(os.environ) | quiet | chosen | hidden


def _best_device() -> str:
    """``cuda`` where there is a card; asked in a process of its own, which gives it back."""
    ask = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
    done = subprocess.run(
        [sys.executable, "-c", ask], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
