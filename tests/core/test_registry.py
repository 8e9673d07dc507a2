"""A signature is a declaration: what is asked for is given, what is unknown fails at once."""

from typing import Annotated, Literal

import numpy as np
import pytest

import xai_heatmap.methods  # noqa: F401 - registers them
from xai_heatmap.core.errors import BadOption, UnknownMethod
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import METHODS, MethodResult, find_method, method


@pytest.fixture
def registered():
    """Leave the registry as it was."""
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)


def test_a_method_gets_only_what_it_names(registered):
    @method(cite="x", use_when="never")
    def plus(activation, *, offset: float = 1.0):
        """A + offset."""
        return activation.sum(axis=0) + np.float32(offset)

    assert METHODS["plus"].needs == {"activation"}
    assert dict(METHODS["plus"].options) == {"offset": 1.0}
    assert METHODS["plus"].summary == "A + offset."
    known = Evidence(activation=np.ones((2, 1, 1), np.float32))
    assert METHODS["plus"](known)[0, 0] == 3
    assert METHODS["plus"](known, {"offset": 5.0})[0, 0] == 7


def test_an_unknown_need_fails_when_it_is_registered(registered):
    with pytest.raises(TypeError, match="gradients"):

        @method(cite="x", use_when="never")
        def typo(gradients):
            return gradients


def test_an_option_without_a_default_fails_when_it_is_registered(registered):
    with pytest.raises(TypeError, match="default"):

        @method(cite="x", use_when="never")
        def bare(activation, *, gamma):
            return activation * gamma


def test_cost_is_told_from_what_is_asked_for():
    assert find_method("eigencam").cost == "1 forward"
    assert "1 backward" in find_method("gradcam").cost


def test_it_is_known_who_needs_gradients():
    without = {method.name for method in METHODS.values() if not method.differentiates}
    assert without == {
        "ablationcam",
        "eigencam",
        "feature_factors",
        "fem",
        "hsic",
        "iscam",
        "kpcacam",
        "occlusion",
        "reciprocam",
        "rise",
        "scorecam",
        "sobol",
        "sscam",
    }


def test_unknown_method_suggests_the_nearest():
    with pytest.raises(UnknownMethod, match=r"Did you mean 'gradcam'\?"):
        find_method("grad-cam")
    with pytest.raises(UnknownMethod, match=r"Did you mean 'gradcam_pp'\?"):
        find_method("Grad-CAM++")


@pytest.mark.parametrize(
    ("given", "expected"), [("false", False), ("True", True), ("0", False), (False, False)]
)
def test_option_words_are_read(given, expected):
    assert find_method("gradcam").checked({"relu": given}) == {"relu": expected}


def test_unknown_option_is_refused():
    with pytest.raises(BadOption, match=r"no option 'rely'.*'relu'"):
        find_method("gradcam").checked({"rely": True})


def test_option_of_the_wrong_type_is_refused():
    with pytest.raises(BadOption, match="takes bool"):
        find_method("gradcam").checked({"relu": "perhaps"})


def test_a_number_is_no_truth():
    with pytest.raises(BadOption, match="takes float"):
        find_method("kpcacam").checked({"gamma": True})


@pytest.fixture
def bounded(registered):
    @method(cite="x", use_when="never")
    def bounded(
        activation,
        *,
        steps: Annotated[int, Within(1, 99)] = 32,
        share: Annotated[float, Within(0)] = 0.5,
        fill: Literal["zero", "mean"] = "zero",
    ):
        """A."""
        return activation

    return METHODS["bounded"]


def test_bounds_and_choices_are_read_from_the_annotation(bounded):
    assert dict(bounded.options) == {"steps": 32, "share": 0.5, "fill": "zero"}
    given = {"steps": "99", "share": 2, "fill": "mean"}
    assert bounded.checked(given) == {"steps": 99, "share": 2.0, "fill": "mean"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 0}, r"int, at least 1, at most 99 \(default 32\); received 0"),
        ({"steps": "100"}, "at most 99"),
        ({"steps": 1.5}, "takes int"),
        ({"share": -0.1}, "float, at least 0"),
        ({"share": float("nan")}, "float, at least 0"),
        ({"fill": "blue"}, "'zero' or 'mean'"),
    ],
)
def test_what_is_out_of_bounds_is_refused(bounded, given, said):
    with pytest.raises(BadOption, match=said):
        bounded.checked(given)


def test_a_method_that_runs_the_head_says_how_often(registered):
    with pytest.raises(TypeError, match="passes="):

        @method(cite="x", use_when="never")
        def silent(head):
            return head

    @method(cite="x", use_when="never", passes="3 through the head")
    def said(gradient, head):
        return gradient

    assert METHODS["said"].cost == "1 forward + 1 backward through the head + 3 through the head"


def test_a_method_may_give_figures_beside_its_map(registered):
    @method(cite="x", use_when="never")
    def figured(activation):
        """A."""
        return MethodResult(activation[0], {"residual": 0.25})

    known = Evidence(activation=np.ones((2, 1, 1), np.float32))
    assert METHODS["figured"](known).shape == (1, 1)
    assert METHODS["figured"].found(known).figures == {"residual": 0.25}
    assert (
        find_method("gradcam")
        .found(Evidence(activation=known.activation, gradient=known.activation))
        .figures
        == {}
    )
