"""What every backend has to hold of networks whose own code fixes how many pictures they take."""

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

from xai_heatmap.core.errors import ModelError
from xai_heatmap.testing.conformance.kit import checks_of, images, maps, network
from xai_heatmap.testing.short_options import SHORT


@runtime_checkable
class Batches(Protocol):
    """One network with layer "conv", whose code fixes the number of pictures or does not."""

    methods: tuple[str, ...]
    """Those to ask for; of one pass, of the head and of masks."""

    def fixed(self, number: int | None) -> Any:
        """The network, with the same weights every time; None takes any number."""


def explained(model: Any, method: str, n: int) -> np.ndarray:
    """Maps of `n` pictures by a method."""
    opened, x = network(model), images(n)
    native = np.moveaxis(x, 1, -1) if opened.channels_last else x
    ask = {"method": method, "target": 1, "options": SHORT.get(method, {})}
    return maps(opened, native, layer="conv", **ask)


def one_picture_at_a_time_is_served_so(kit: Batches) -> None:
    """A network of one picture at a time has the maps of that which takes any number, and says that
    it is slower.
    """
    model, free = kit.fixed(1), kit.fixed(None)
    with pytest.warns(UserWarning, match="one picture at a time"):
        assert network(model).survey((3, 8, 8)).layers["conv"].grid == (8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for method in kit.methods:
            _assert_same(explained(model, method, 3), explained(free, method, 3), method)


def another_fixed_number_is_refused_in_words(kit: Batches) -> None:
    """A network of two or four pictures at a time is refused with what to change, or is served."""
    for number, n in ((2, 1), (2, 3), (4, 1), (4, 2)):
        with pytest.raises(ModelError, match=f"exactly {number} pictures at a time.*first axis"):
            explained(kit.fixed(number), kit.methods[0], n)
    model, free = kit.fixed(2), kit.fixed(None)
    for method in kit.methods:
        found, refusal = _tried(model, method, 2)
        if found is None:
            assert "exactly 2 pictures at a time" in refusal, method
        else:
            _assert_same(found, explained(free, method, 2), method)


def _tried(model: Any, method: str, n: int) -> tuple[np.ndarray | None, str]:
    """Maps, or what a refusal says instead."""
    try:
        return explained(model, method, n), ""
    except ModelError as refusal:
        return None, str(refusal)


def _assert_same(found: np.ndarray, right: np.ndarray, method: str) -> None:
    scale = np.abs(right).max()
    assert scale > 0, method
    np.testing.assert_allclose(found, right, atol=1e-4 * scale, err_msg=method)


CHECKS = checks_of(globals())
