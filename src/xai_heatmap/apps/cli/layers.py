"""`xai-heatmap layers`: where a network can be opened."""

import os
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.apps.cli.terminal import aside, facts, on_screen, print_json, print_lines, table
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.core.network import Layer, Network, Survey
from xai_heatmap.jobs.job import Layers
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners.local import opened, surveyed


def listed(flags: Mapping[str, object], *, every: bool, as_json: bool) -> int:
    """Print the layers of the model."""
    job = settled(Layers, flags, environment=os.environ, folder=Path.cwd(), given=("model",))
    with aside():
        network = opened(job)
        survey = surveyed(network, job)
    rows = _rows(survey, every=every)
    if as_json:
        print_json(
            {
                "model": job.model,
                "network": network.name,
                "auto": survey.auto,
                "reason": survey.reason,
                "layers": rows,
            }
        )
        return 0
    _show(job.model or "", network, survey, rows)
    return 0


def _rows(survey: Survey, *, every: bool) -> list[dict[str, object]]:
    indices = {name: index for index, name in enumerate(grids(survey))}
    return [
        _row(layer, indices.get(layer.name), auto=layer.name == survey.auto)
        for layer in survey.layers.values()
        if every or layer.name in indices
    ]


def _row(layer: Layer, index: int | None, *, auto: bool) -> dict[str, object]:
    return {
        "index": index,
        "name": layer.name,
        "kind": layer.kind,
        "shape": list(layer.shape),
        "grid": list(layer.grid) if layer.grid else None,
        "auto": auto,
    }


def _show(model: str, network: Network, survey: Survey, rows: list[dict[str, object]]) -> None:
    shape = "x".join(map(str, next(iter(survey.layers.values())).shape))
    print_lines(facts([("model", f"{model}, {network.name}, input {shape}")]))
    auto = f"{survey.auto}: {survey.reason}" if survey.auto else survey.reason
    print_lines(facts([("auto ", auto)]))
    cells = [
        [
            "" if row["index"] is None else str(row["index"]),
            str(row["name"]),
            str(row["kind"]),
            _times(row["shape"]),
            _times(row["grid"]),
            "auto" if row["auto"] else "",
        ]
        for row in rows
    ]
    head, *body = table(["index", "name", "kind", "shape", "grid", ""], cells)
    print_lines([""])
    print_lines([head], style="bold")
    for row, line in zip(rows, body, strict=True):
        print_lines([line], style="green" if row["auto"] else "")
    hidden = sum(layer.grid is None or layer.places < 2 for layer in survey.layers.values())
    if hidden and on_screen() and len(rows) < len(survey.layers):
        print_lines(["", f"{hidden} more have no grid, so no map: --all lists them."])


def _times(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, list) else "-"
