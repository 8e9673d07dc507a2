"""What is no method, no options, no box: refused in words, whatever it is."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, UnknownMethod, UnknownTarget

pytestmark = pytest.mark.usefixtures("unchecked")

X = np.random.default_rng(0).uniform(size=(3, 8, 8)).astype(np.float32)
NETWORK = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 8, 8))


@pytest.mark.parametrize("method", [{}, [], ["occlusion"], np.zeros(2), 3, b"rise", object()])
def test_what_is_no_name_of_a_method(method):
    for call in (
        lambda: xh.explain(NETWORK, X, method=method, preprocess="ready"),
        lambda: xh.maps(NETWORK, X[None], method=method),
        lambda: xh.compare(NETWORK, X, methods=[method], preprocess="ready"),
    ):
        with pytest.raises(UnknownMethod, match="given by its name"):
            call()


@pytest.mark.parametrize("options", ["", (), [], 0, False, np.zeros(0), np.zeros(2), "window=3"])
def test_what_is_no_mapping_of_options(options):
    for call in (
        lambda: xh.explain(NETWORK, X, method="occlusion", options=options, preprocess="ready"),
        lambda: xh.maps(NETWORK, X[None], method="occlusion", options=options),
        lambda: xh.compare(NETWORK, X, methods=["occlusion"], options=options, preprocess="ready"),
        lambda: xh.compare(
            NETWORK, X, methods=["rise"], options={"rise": options}, preprocess="ready"
        ),
    ):
        with pytest.raises(BadOption, match=r"mapping|by their names"):
            call()


def test_numbers_of_numpy_are_numbers():
    plain = {"window": 4, "stride": 2}
    numpy = {"window": np.int64(4), "stride": np.uint8(2)}
    asked = {"method": "occlusion", "target": 0}
    right = xh.maps(NETWORK, X[None], options=plain, **asked)
    assert (xh.maps(NETWORK, X[None], options=numpy, **asked) == right).all()
    with pytest.raises(BadOption, match="takes int"):
        xh.maps(NETWORK, X[None], options={"window": np.float32(4)}, **asked)
    noise = {"visible": np.float32(0.5), "samples": np.int32(8)}
    assert xh.maps(NETWORK, X[None], method="rise", target=0, options=noise).shape == (1, 8, 8)


@pytest.mark.parametrize("odd", [object, "here", {"a": 1}, [[1], [2, 3]], np.array(["a"])])
def test_what_is_no_box(odd):
    with pytest.raises(UnknownTarget, match="left, top, right, bottom"):
        xh.box(odd)
    if not isinstance(odd, str):
        with pytest.raises(UnknownTarget, match="left, top, right, bottom"):
            xh.region(0, where=odd)


@pytest.mark.parametrize("odd", [0.5, object, (), {}, b"cat", True])
def test_what_is_no_class_of_a_box(odd):
    with pytest.raises(UnknownTarget, match=r"number or its name|whole number"):
        xh.box((1, 1, 5, 5), odd)


@pytest.mark.parametrize("odd", [np.zeros(2), np.zeros((0, 3)), 0.5, object, {}, xh.top(1)])
def test_what_is_no_class_to_hold_one_against(odd):
    with pytest.raises(UnknownTarget, match="against classes by their numbers"):
        xh.contrast(0, against=odd)


@pytest.mark.parametrize("odd", ["", "3", object, None, np.zeros(2), float("nan"), (1,)])
def test_what_is_no_weight(odd):
    with pytest.raises(UnknownTarget, match="is a number"):
        xh.contrast(0, against=1, weight=odd)


def test_very_many_passes_are_announced_before_they_begin():
    asked = {"method": "rise", "target": 0}
    many = {"samples": 1_000_000, "stable": 0.001}
    with pytest.warns(UserWarning, match=r"at least 1,000,000 passes .*default is 2000"):
        found = xh.maps(NETWORK, X[None], options=many, **asked)
    assert found.shape == (1, 8, 8)
    xh.maps(NETWORK, X[None], options={"samples": 20_000, "stable": 0.001}, **asked)
    with pytest.raises(BadOption, match="at most 100000"):
        xh.maps(NETWORK, X[None], method="sobol", target=0, options={"samples": 1_000_000})
