"""Findings of the shipped networks on planted scenes: the cheat's name the mark, the honest one's
do not.
"""

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.networks.loading.demo import file

CLASSES = ("cat", "bus")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown():
    return [
        scenes.scene(700_000 + k, category=CLASSES[k % len(CLASSES)], mark=True) for k in range(20)
    ]


@pytest.fixture(scope="module")
def of(shown, tmp_path_factory):
    """What is found of a shipped network."""

    def found(name):
        pictures = [scene.image for scene in shown]
        run = xh.batch(pictures, file(name), out=tmp_path_factory.mktemp("demo") / name)
        return xh.findings(run)

    return found


def on_mark(one, shown):
    """Share of a finding's pictures whose piece lies on the mark."""
    touched = []
    for name, left, top, right, bottom in one.group.places:
        seen = np.zeros((128, 128), bool)
        seen[round(128 * top) : round(128 * bottom), round(128 * left) : round(128 * right)] = True
        mark = shown[int(name)].mark.mask
        touched.append((seen & mark).sum() > 0.3 * mark.sum())
    return np.mean(touched)


def test_the_cheat_is_found_out(of, shown):
    found = of("demo-cheat")
    assert {one.name for one in found.shortcuts} == set(CLASSES)
    for one in found.shortcuts:
        assert on_mark(one, shown) > 0.9
        assert one.fall.low > 0
        assert one.rise.mean > 0.8 * one.fall.mean


def test_the_honest_network_is_accused_of_nothing(of, shown):
    found = of("demo")
    assert {one.name for one in found.findings} == set(CLASSES)
    assert found.shortcuts == ()
    for one in found.findings:
        assert on_mark(one, shown) < 0.2
        assert one.rise.mean < 0.6 * max(one.fall.mean, 0.5)
