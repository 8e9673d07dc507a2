"""Whether a process keeps what it computed: counted in maps, not in bytes."""

import gc
import resource
import sys

import numpy as np

import xai_heatmap as xh

IMAGES = 60


def assert_memory_is_flat(network) -> None:
    """Images one by one make the process grow by less than a third of all their activations,
    all of which a leak would keep: steps of the allocator were seen to take a fifth.

    The first ones are not counted: they fill what the frameworks keep for good.
    """
    x = np.random.default_rng(0).normal(size=(1, 3, 96, 96)).astype(np.float32)

    def explain(times: int) -> tuple[int, int]:
        for _ in range(times):
            xh.maps(network, x, layer="all")
        gc.collect()
        return _peak(), len(gc.get_objects())

    (before, alive), (after, still) = explain(IMAGES // 3), explain(IMAGES)
    names = [name for name, layer in network.layers.items() if layer.places > 1]
    one = sum(a.nbytes for a in network.record(x, names).activations.values())
    assert after - before < IMAGES * one / 3, f"{after - before} bytes more, one image has {one}"
    assert still - alive < IMAGES, f"{still - alive} objects more after {IMAGES} images"


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
