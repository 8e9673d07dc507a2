"""Sessions of onnxruntime live within the means of their process, and take their user's word."""

from typing import Any

import numpy as np
import onnxruntime
import pytest

import xai_heatmap as xh
from xai_heatmap.core import processors
from xai_heatmap.networks.onnx import session
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

X = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)


@pytest.fixture
def asked(monkeypatch):
    """Number of threads and providers of every session that is made."""
    monkeypatch.delenv(processors.VARIABLE, raising=False)
    plain = onnxruntime.SessionOptions.__mro__[1]  # without the one thread that tests have
    monkeypatch.setattr(onnxruntime.SessionOptions, "__init__", plain.__init__)
    made = []
    own = onnxruntime.InferenceSession

    def watched(model, options, providers):
        made.append((options.intra_op_num_threads, providers))
        return own(model, options, providers=providers)

    monkeypatch.setattr(session.onnxruntime, "InferenceSession", watched)
    return made


def explained(**given: Any) -> tuple[Any, Any]:
    network = xh.network(OnnxKit().plain().model, **given)
    return network, xh.maps(network, X)


def test_threads_are_the_runtimes_where_nothing_limits(asked, monkeypatch):
    monkeypatch.setattr(session, "threads", lambda: None)
    network, _ = explained()
    assert {number for number, _ in asked} == {0}
    assert network.notes == ()


def test_threads_are_those_that_the_process_may_use(asked, monkeypatch):
    monkeypatch.setattr(session, "threads", lambda: 1)
    network, found = explained()
    assert {number for number, _ in asked} == {1}
    assert network.notes == ("onnxruntime computes on 1 thread.",)
    monkeypatch.setattr(session, "threads", lambda: None)
    assert np.array_equal(found, explained()[1])


def test_threads_by_the_environment(asked, monkeypatch):
    monkeypatch.setenv(processors.VARIABLE, "3")
    network, _ = explained()
    assert {number for number, _ in asked} == {3}
    assert network.notes == ("onnxruntime computes on 3 threads.",)


def test_a_wrong_environment_is_refused(monkeypatch):
    monkeypatch.setenv(processors.VARIABLE, "many")
    with pytest.raises(xh.XaiHeatmapError, match="XAI_HEATMAP_THREADS is a number"):
        explained()


def test_the_users_session_options(asked, monkeypatch):
    monkeypatch.setenv(processors.VARIABLE, "3")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 4
    explained(session_options=options)
    assert {number for number, _ in asked} == {2}


def test_attributes_by_name_change_the_usual_ones(asked):
    named = {"intra_op_num_threads": 2, "providers": "CPUExecutionProvider"}
    explained(session_options=named)
    assert set(map(str, asked)) == {"(2, ['CPUExecutionProvider'])"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"providers": ["CUDAExecutionProvide"]}, "This onnxruntime computes on .*CPU"),
        ({"providers": []}, r"received providers=\[\]"),
        ({"intra_op_threads": 1}, "Did you mean"),
        ({"intra_op_num_threads": "two"}, "session_options can't have intra_op_num_threads='two'"),
        ({"optimized_model_filepath": "here.onnx"}, "Leave it out here"),
        (4, "session_options is an onnxruntime.SessionOptions"),
    ],
)
def test_options_that_are_wrong_are_refused(given, says):
    with pytest.raises(xh.XaiHeatmapError, match=says):
        explained(session_options=given)


def test_options_for_another_framework_are_refused():
    with pytest.raises(xh.XaiHeatmapError, match="those of onnxruntime"):
        xh.network(lambda x: x.mean((2, 3)), session_options={})


def test_options_for_a_network_are_refused():
    network = xh.network(OnnxKit().plain().model)
    with pytest.raises(xh.XaiHeatmapError, match="this is one"):
        xh.network(network, session_options={"intra_op_num_threads": 1})
