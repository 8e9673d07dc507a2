"""The whole of an audit as one document of plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from xai_heatmap.core.network import INPUT
from xai_heatmap.core.version import installed_version
from xai_heatmap.explaining.auditing.picture import Auditor
from xai_heatmap.runners.audit import summary
from xai_heatmap.runners.audit.advice import advice
from xai_heatmap.runners.audit.findings import findings, notes
from xai_heatmap.runners.audit.require import figures

Facts = dict[str, Any]


def document_of(
    run: Mapping[str, Any], auditor: Auditor, pictures: Sequence[Facts], networks: Sequence[Facts]
) -> Facts:
    """The document: figures of every check, then findings, notes and a recommendation.

    Parameters
    ----------
    run
        What the folder says of what was asked.
    auditor
        Whose checks these are.
    pictures, networks
        What was found of each picture, and of each network with weights drawn again.
    """
    own = [one for one in pictures if one["error"] is None]
    failed = [one for one in pictures if one["error"] is not None]
    asked = auditor.asked
    names = asked.names
    survey = auditor.network.layers
    grids = {n: survey[n].grid for n in asked.opened if n in survey and n != INPUT}
    layer = None if asked.usual is None else asked.usual.partition("@")[2]
    method = None if asked.usual is None else asked.usual.partition("@")[0]
    methods = [n for n in names if n.partition("@")[2] == layer] or names[:8]
    layers = [n for n in names if n.partition("@")[0] == method] or names[:8]
    found: Facts = {
        "xai_heatmap": installed_version(),
        "model": run["model"],
        "network": run["network"],
        "settings": run["settings"],
        "pictures": {
            "asked": len(pictures), "audited": len(own), "failed": len(failed), "of": run["of"],
            "closer": len([one for one in own if "registered" in one]),
            "fewest": summary.FEWEST,
        },
        "errors": [{"id": one["id"], **one["error"]} for one in failed],
        "preprocess": next((one["preprocess"] for one in own if "preprocess" in one), {}),
        "passes": auditor.passes,
        "usual": asked.usual,
        "predictions": summary.predictions(own) if own else {},
        "preprocessing": summary.preparations(own),
        "tested": summary.tested(own, names, asked.usual),
        "class_swap": summary.swapped(own, names),
        "input_shift": summary.moved(own, names),
        "agreement": {
            "methods": {"names": methods, "rows": summary.agreements(own, methods)},
            "layers": {"names": layers, "rows": summary.agreements(own, layers)},
        },
        "weights": summary.weights(networks, names),
        "layers": summary.cells(own),
        "registration": summary.registered(own, grids),
    }  # fmt: skip
    found["findings"] = findings(found)
    found["notes"] = notes(found)
    found["recommended"] = advice(found)
    found["figures"] = figures(found)
    return found
