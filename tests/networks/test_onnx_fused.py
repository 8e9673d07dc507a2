"""One run of one graph gives scores and maps; what can't be so is done in passes."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.targets.target import Choice, linear
from xai_heatmap.networks.onnx import engine as onnx_engine
from xai_heatmap.networks.onnx import kept as onnx_kept
from xai_heatmap.networks.onnx.kept import KEPT
from xai_heatmap.networks.onnx.modules import SCOPES
from xai_heatmap.networks.onnx.session import Session
from xai_heatmap.networks.opening.recent import SIZES
from xai_heatmap.testing import conformance
from xai_heatmap.testing.conformance.programs import by_passes
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def close(one, other) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["auto", "all"])
def test_a_map_takes_one_run(runs, layer):
    network = xh.network(OnnxKit().residual().model)
    x = conformance.images(2)
    xh.maps(network, x, layer=layer)
    del runs[:]
    xh.maps(network, x, layer=layer)
    xh.maps(network, x, layer=layer, target=2)
    assert runs == ["program", "program"]


def test_an_explanation_with_its_verdict_takes_one_run(runs):
    network = xh.network(OnnxKit().residual().model)
    xh.explain(network, PICTURE, preprocess="unit")
    del runs[:]
    one = xh.explain(network, PICTURE, preprocess="unit", target=xh.contrast(0, against=1))
    assert runs == ["program"]
    other = xh.explain(by_passes(network), PICTURE, preprocess="unit", target=one_against_other())
    assert runs == ["program", "half", "half"]
    close(one.map, other.map)
    assert (one.verdict.word, one.predictions) == (other.verdict.word, other.predictions)


def one_against_other() -> Choice:
    return xh.contrast(0, against=1)


@pytest.mark.parametrize(
    ("method", "target", "options"),
    [
        ("gradcam", xh.margin(), None),  # which class is the runner-up depends on the scores
        ("gradcam", xh.top(2), None),
        ("gradcam", 1, {"relu": False}),
        ("layercam", 1, {"scale": True}),
        ("xgradcam", 1, None),
    ],
)
def test_what_no_program_computes_is_done_in_passes(runs, method, target, options):
    network = xh.network(OnnxKit().residual().model)
    xh.maps(network, conformance.images(2), method=method, target=target, options=options)
    assert "program" not in runs


def test_a_wrong_guess_is_seen_and_costs_a_pass(runs):
    """A choice that answers made-up scores with class 0 and those of the network with class 3."""
    network = xh.network(OnnxKit().residual().model)
    x = conformance.images(1)
    own = network.record(x).scores[0]

    def pick(answer):
        number = 3 if np.allclose(answer.scores, own) else 0
        return linear(
            np.eye(conformance.CLASSES, dtype=np.float32)[number], f"class {number}", index=number
        )

    del runs[:]
    found = xh.maps(network, x, target=Choice("fickle", pick))
    assert runs[0] == "program"
    assert "half" in runs
    close(found, xh.maps(by_passes(network), x, target=3))


def test_a_graph_that_cannot_be_fused_is_tried_once_and_says_so(monkeypatch):
    tried = []

    def refuse(*_):
        tried.append(1)
        raise ModelError("no such program here")

    monkeypatch.setattr(onnx_engine, "fused_plan", refuse)
    network = xh.network(OnnxKit().residual().model)
    x = conformance.images(2)
    found = [xh.maps(network, x) for _ in range(3)]
    xh.explain(network, PICTURE, preprocess="unit")
    assert len(tried) == 1
    assert [note for note in network.notes if "no such program here" in note] == list(
        network.notes[-1:]
    )
    monkeypatch.undo()
    close(found[0], xh.maps(xh.network(OnnxKit().residual().model), x))


@pytest.mark.slow
def test_caches_of_many_sizes_are_bounded():
    network = xh.network(OnnxKit().shrinking())
    for side in range(8, 8 + 5 * SIZES):
        x = np.random.default_rng(side).normal(size=(1, 3, side, 8)).astype(np.float32)
        xh.maps(network, x)
    assert len(network._own_engine._kept.plans) <= KEPT
    assert len(network._programs) <= 4 * SIZES
    assert len(network._questions) <= 4 * SIZES
    close(xh.maps(network, x), xh.maps(by_passes(network), x))


def test_scores_read_as_log_probabilities_are_explained_in_passes(runs):
    network = xh.network(OnnxKit().functional_softmax().model, keep_closing=True)
    x = conformance.images(2)
    found = xh.maps(network, x, target=1)
    close(found, xh.maps(by_passes(network), x, target=1))


def test_a_question_is_forgotten_with_other_held_inputs_and_other_labels():
    network = xh.network(OnnxKit().residual().model)
    x = conformance.images(1)
    one = xh.maps(network, x, target="b", labels=["a", "b", "c", "d"])
    other = xh.maps(network, x, target="b", labels=["b", "a", "c", "d"])
    close(one, xh.maps(network, x, target=1))
    close(other, xh.maps(network, x, target=0))


def test_two_runs_that_are_compiled_already_serve_a_few_single_layers(runs, monkeypatch):
    monkeypatch.setattr(onnx_kept, "MANY", 2)
    network = xh.network(OnnxKit().residual().model)
    x = conformance.images(1)
    names = [name for name, layer in network.layers.items() if layer.places > 1]
    network.record(x, names).pullback(np.ones((1, conformance.CLASSES), np.float32))
    del runs[:]
    found = [xh.maps(network, x, layer=names[-1], target=1) for _ in range(onnx_kept.SERVED + 1)]
    assert runs == ["half", "half"] * onnx_kept.SERVED + ["program"]
    close(found[0], found[-1])


def test_a_judged_program_turns_no_layer_around(monkeypatch):
    """Strongest places are read out of activations and gradients as they lie in memory."""
    compiled = []
    kept = Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda s, m, w: (compiled.append(m), kept(s, m, w))[1])
    network = xh.network(OnnxKit().residual().model)
    xh.explain(network, PICTURE, preprocess="unit")
    program = compiled[-1]
    assert "place" in " ".join(output.name for output in program.graph.output)
    assert "Transpose" not in {node.op_type for node in program.graph.node}


def test_layers_of_one_tensor_are_one_map_of_the_program(monkeypatch):
    asked = []
    kept = onnx_engine.fused_plan
    monkeypatch.setattr(
        onnx_engine, "fused_plan", lambda key, *a: (asked.append(key), kept(key, *a))[1]
    )
    model = OnnxKit().residual().model
    for number, node in enumerate(model.graph.node):
        node.metadata_props.add(key=SCOPES, value=f"['', 'part{number // 2}', 'own']")
    every = xh.compare(xh.network(model), PICTURE, preprocess="unit", layers="all", targets=[0])
    ((_, opened, _, _),) = asked
    assert len(opened) == len(set(opened)) < len(every)
    assert len({id(one.map.base) for one in every}) == len(opened)
    assert len({one.layer.name for one in every}) == len(every)
