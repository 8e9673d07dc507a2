"""Batches that make themselves smaller."""

import gc
import weakref

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.memory import halved, out_of_memory


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls its own."""


def refusing(most):
    sizes = []

    def run(items):
        sizes.append(len(items))
        if len(items) > most:
            raise OutOfMemoryError("Tried to allocate 20 GiB")
        return list(items)

    return run, sizes


@pytest.mark.parametrize(("count", "most"), [(7, 7), (7, 3), (7, 1), (1, 1), (8, 2)])
def test_every_item_once_and_in_order(count, most):
    run, sizes = refusing(most)
    found = halved(run, range(count))
    assert [item for portion in found for item in portion] == list(range(count))
    assert sum(size for size in sizes if size <= most) == count


def test_one_item_that_does_not_fit_is_an_error():
    run, sizes = refusing(0)
    with pytest.raises(OutOfMemoryError):
        halved(run, range(4))
    assert sizes == [4, 2, 1]


def test_other_errors_are_not_tried_again():
    calls = []

    def run(items):
        calls.append(items)
        raise ValueError("shapes do not fit")

    with pytest.raises(ValueError, match="shapes"):
        halved(run, range(4))
    assert len(calls) == 1


@pytest.mark.slow
def test_what_the_failed_run_held_is_free_before_the_next():
    class Big:
        pass

    held = []

    def run(items):
        gc.collect()
        assert not any(reference() for reference in held)
        big = Big()
        held.append(weakref.ref(big))
        if len(items) > 1:
            raise MemoryError
        return len(items)

    assert halved(run, range(4)) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes",
        "Failed to allocate memory for requested buffer of size 123",
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate",
        "Unable to allocate 1.2 GiB for an array with shape (1,)",
    ],
)
def test_what_frameworks_say_is_understood_even_beneath_an_error_of_ours(said):
    wrapped = ModelError("onnxruntime can't run this one")
    wrapped.__cause__ = RuntimeError(said)
    assert out_of_memory(RuntimeError(said))
    assert out_of_memory(wrapped)
    assert not out_of_memory(RuntimeError("a memory of old times"))


@pytest.mark.slow
def test_maps_of_a_batch_that_does_not_fit_are_those_of_its_images():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.manual_seed(0)
    sizes = []

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)
            self.out = torch.nn.Linear(4, 5)

        def forward(self, x):
            sizes.append(len(x))  # a list of its own would be as before after every pass
            if len(x) > 2:
                raise OutOfMemoryError
            return self.out(self.conv(x).relu().mean((2, 3)))

    model = Small().eval()
    x = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32)
    targets = [0, 1, 2, None, 4]
    found = xh.maps(model, x, layer="all", target=targets)
    assert max(sizes) == 5
    for row, target in enumerate(targets):
        alone = xh.maps(model, x[row : row + 1], layer="all", target=target)
        for name, maps in found.items():
            np.testing.assert_allclose(maps[row], alone[name][0], atol=1e-6)
