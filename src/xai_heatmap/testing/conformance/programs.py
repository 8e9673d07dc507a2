"""Maps of fused programs beside those of passes of their own."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.fused import FORMULAS, Seed, stacked
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.testing.conformance.kit import SHAPE, Kit, checks_of, images, network

TARGETS: dict[str, Any] = {
    "prediction": None,
    "contrast": xh.contrast(0, against=1),
    "probability": xh.probability(1),
    "not the prediction": xh.negative(xh.top(1)),
}


def maps(*args: Any, **asked: Any) -> np.ndarray:
    """Maps of one layer."""
    return np.asarray(xh.maps(*args, **asked))


def by_passes(opened: Any) -> Any:
    """The network, of which no program is asked."""
    other = opened.for_heads(())
    other.answering = lambda shape: None
    other.again = lambda question, x: None
    other.mapping = lambda x, keys, judged=False: None
    return other


def the_maps_of_programs_are_those_of_passes(kit: Kit) -> None:
    """Every method, layer and kind of target of a program: maps and verdicts."""
    picture = np.random.default_rng(1).integers(0, 256, (*SHAPE[1:], 3), dtype=np.uint8)
    few = {name: TARGETS[name] for name in ("prediction", "probability")}
    for case, targets in ((kit.plain(), TARGETS), (kit.tokens(), few), (kit.sigmoid_unit(), few)):
        opened = network(case.model)
        known = opened.answering(SHAPE)
        each = {name: [target] for name, target in targets.items()}
        if targets is TARGETS:
            each["several at once"] = [*targets.values(), xh.top(2)]
        for name, wanted in each.items():
            asked = {"layers": "all", "methods": FORMULAS, "targets": wanted}
            one = xh.compare(opened, picture, preprocess="unit", **asked)
            other = xh.compare(by_passes(opened), picture, preprocess="unit", **asked)
            for a, b in zip(one, other, strict=True):
                said = f"{a.method} at {a.layer.name} of the {name}"
                assert (a.layer, a.method, a.target) == (b.layer, b.method, b.target)
                assert a.score == pytest.approx(b.score, abs=1e-5)
                top = np.abs(b.map).max()
                np.testing.assert_allclose(a.map, b.map, rtol=0, atol=1e-5 * top, err_msg=said)
                assert a.verdict.word == b.verdict.word, said
                assert a.verdict.figure == pytest.approx(b.verdict.figure, rel=1e-3, abs=1e-6), said
        assert known is None or not [own for own in opened.notes if "in one program" in own]


def a_program_explains_each_picture_of_a_batch_by_its_own_target(kit: Kit) -> None:
    """A batch, one target each, and the same question asked again, of other pictures."""
    opened = network(kit.residual().model)
    x = images(3)
    x = np.moveaxis(x, 1, -1).copy() if opened.channels_last else x
    targets = [2, None, xh.contrast(0, against=3)]
    found = maps(opened, x, method="layercam", target=targets)
    alone = [
        maps(by_passes(opened), x[row : row + 1], method="layercam", target=target)[0]
        for row, target in enumerate(targets)
    ]
    np.testing.assert_allclose(found, alone, rtol=0, atol=1e-5 * np.abs(alone).max())
    first = [maps(opened, x, target=target) for target in (None, 1)]
    for target, before in zip((None, 1), first, strict=True):
        np.testing.assert_array_equal(maps(opened, x, target=target), before)
        turned = maps(opened, x[::-1].copy(), target=target)
        np.testing.assert_allclose(turned[::-1], before, rtol=0, atol=1e-5 * np.abs(before).max())


def a_program_says_what_it_pulled_back(kit: Kit) -> None:
    """The cotangent of a program is that of its seed, written a second time in numpy."""
    for case in (kit.plain(), kit.sigmoid_unit()):
        opened = network(case.model)
        if (known := opened.answering(SHAPE)) is None:
            continue
        layer = grids(opened.survey(SHAPE))[-1]
        units, _ = known
        for link in ("scores", "softmax", "sigmoid"):
            seeds = [Seed((-1, 0), (2.0, -0.5), link), Seed((units - 1,), (3.0,), link)]
            own = stacked(seeds)
            assert own is not None
            found = opened.fused(images(2), [(layer, "gradcam")], own, judged=True)
            assert found is not None
            scores = found.recording.scores
            rows = [seed.cotangent(scores[row : row + 1])[0] for row, seed in enumerate(seeds)]
            np.testing.assert_allclose(found.cotangent, rows, rtol=1e-5, atol=1e-6)
            assert found.explains(np.array(rows))
            assert not found.explains(np.array(rows) + 1)


CHECKS = checks_of(globals())
