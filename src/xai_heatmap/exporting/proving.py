"""Whether an exported file answers what the model answers, and its maps are Python's."""

import numpy as np
from onnx import ModelProto

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.network import Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.contrast import contrast
from xai_heatmap.explaining.batch import maps
from xai_heatmap.exporting.check import answering, as_taken, rounding, same_maps, same_outputs
from xai_heatmap.exporting.explainer import Wanted, bare
from xai_heatmap.networks.onnx.graph import source


def proven(
    graph: ModelProto, finished: ModelProto, twin: Network, wanted: Wanted, x: Inputs
) -> bool:
    """Whether the file's answers are the model's own to the last bit; its maps are Python's.

    Asked for the prediction of one picture and a class of two and three, or of as many pictures as
    the file takes.
    """
    inputs = np.moveaxis(x, 1, -1) if twin.channels_last else x
    native = as_taken(graph, inputs)
    alone, with_maps = answering(bare(graph)), answering(finished)
    fixed = source(graph, image_shape=wanted.shape).picture.images
    names = list(wanted.opened)
    middle = max(wanted.classes, 2) // 2
    asked: list[tuple[int | None, int, tuple[int, ...]]] = [(None, -1, (1,)), (middle, -1, (2, 3))]
    asked += [(0, middle, (1, 2))] if wanted.contrasts else []
    for target, against, numbers in asked:
        most = fixed or max(numbers)
        wished = target if against < 0 or target is None else contrast(target, against=against)
        expected = maps(twin, inputs[:most], method=wanted.method, layer=names, target=wished)
        floors = _floors(twin, wanted, x[:most], target, against)
        for number in (fixed,) if fixed else numbers:
            found = with_maps(native[:number], [-1 if target is None else target], against)
            if not same_outputs(found, alone(native[:number])):
                return False
            same_maps(
                found,
                [expected[name][:number] for name in names],
                [floor[:number] for floor in floors],
            )
    return True


def _floors(
    twin: Network, wanted: Wanted, x: Inputs, target: int | None, against: int
) -> list[Float32[np.ndarray, " n"]]:
    """Below which values of each layer's maps are nothing but rounding, for every picture."""
    names = list(wanted.opened)
    if "gradient" not in find_method(wanted.method).needs:
        return [np.zeros(len(x), np.float32) for _ in names]
    recording = twin.record(x, names)
    scores = recording.scores
    index = scores.argmax(axis=1) if target is None else np.full(len(x), target)
    every = np.eye(max(wanted.classes, 2), dtype=np.float32)
    seeds = every[index] - (every[against] if against >= 0 else np.float32(0))
    gradients = recording.pullback(seeds[:, -wanted.classes :])
    return [rounding(recording.activations[name], gradients[name]) for name in names]
