"""Every check of the conformance kit fails for a backend that is broken where the check looks."""

import importlib
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import MissingFramework  # noqa: E402
from xai_heatmap.testing import conformance  # noqa: E402
from xai_heatmap.testing.conformance import (  # noqa: E402
    answers,
    heads,
    opening,
    programs,
    sizes,
    state,
)
from xai_heatmap.testing.conformance.kit import maps, network  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import TorchKit  # noqa: E402
from xai_heatmap.testing.kits.torch_models import Plain  # noqa: E402


class Broken:
    """Another's attributes, but for those that are given."""

    def __init__(self, inner, **other):
        self.inner, self.other = inner, other

    def __getattr__(self, name):
        return self.other[name] if name in self.other else getattr(self.inner, name)


def recordings(change):
    """Opens networks whose recordings are changed."""

    def opened(model, **options):
        inner = network(model, **options)

        def record(*given, **how):
            return change(inner.record(*given, **how))

        return Broken(inner, record=record)

    return opened


def attributes(**other):
    """Opens networks of which something wrong is said, found from what is right."""

    def opened(model, **options):
        inner = network(model, **options)
        return Broken(inner, **{name: value(inner) for name, value in other.items()})

    return opened


def off(values):
    """Every array a little wrong, where it is not zero."""
    return {name: value * np.float32(1.1) for name, value in values.items()}


def other_activations(recording):
    return Broken(recording, activations=off(recording.activations))


def other_scores(recording):
    return Broken(recording, scores=recording.scores * 1.1)


def other_gradients(recording):
    def pullback(cotangent):
        return off(recording.pullback(cotangent))

    return Broken(recording, pullback=pullback)


def other_replays(recording):
    def replay(*given, **how):
        return other_scores(recording.replay(*given, **how))

    return Broken(recording, replay=replay)


OPENING = [check for check in conformance.CHECKS if check.__module__ == opening.__name__]
ALL_OF_A_LAYER = [
    opening.plain_network_opens, opening.residual_branch_opens,
    opening.nested_model_opens_by_its_path, opening.last_layer_opens,
    opening.each_call_of_a_shared_layer_opens, opening.layer_that_answers_a_tuple_opens,
    opening.tokens_become_a_grid_without_their_prefix, opening.picture_is_layer_zero,
    answers.model_that_answers_a_tuple_opens, answers.model_that_answers_a_dict_opens,
    answers.closing_softmax_is_left_out, answers.single_sigmoid_unit_is_for_and_against,
    answers.sigmoid_labels_are_left_open, state.training_mode_is_put_aside_and_given_back,
    state.frozen_weights_do_not_matter,
]  # fmt: skip


def broken(check, monkeypatch, **names):
    """The check's own module sees other functions; the check has to fail."""
    module = importlib.import_module(check.__module__)
    kit_module = importlib.import_module("xai_heatmap.testing.conformance.kit")
    for name, value in names.items():
        for home in (module, kit_module):
            if hasattr(home, name):
                monkeypatch.setattr(home, name, value)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(TorchKit())


@pytest.mark.parametrize("change", [other_activations, other_gradients, other_replays])
@pytest.mark.parametrize("check", ALL_OF_A_LAYER, ids=lambda check: check.__name__)
def test_wrong_numbers_at_a_layer_are_seen(check, change, monkeypatch):
    broken(check, monkeypatch, network=recordings(change))


def shut(call):
    """The same call, which raises nothing and warns of nothing."""

    def quiet(*given, **how):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return call(*given, **how)
            except Exception:  # noqa: BLE001 - that is what is wrong with it
                return SimpleNamespace(scores=np.zeros((1, 4), np.float32), meaning="logits")

    return quiet


def quiet_replays(recording):
    return Broken(recording, replay=shut(recording.replay))


def logits_of(meaning):
    return lambda recording: Broken(recording, meaning=meaning)


def wide(recording):
    return Broken(recording, scores=recording.scores.astype(np.float64))


def drawing(recording):
    np.random.random()  # noqa: NPY002 - the global one is meant
    return recording


def others_of_each(recording):
    def each_gradient(cotangent, use):
        recording.each_gradient(cotangent, lambda names, found: use(names, found * 1.1))

    return Broken(recording, each_gradient=each_gradient)


def first_recording(model, **options):
    """A network that keeps its first answer."""
    inner = network(model, **options)
    kept = []

    def record(*given, **how):
        if not kept:
            kept.append(inner.record(*given, **how))
        return kept[0]

    return Broken(inner, record=record)


def twice(model, **options):
    inner = network(model, **options)

    def record(*given, **how):
        inner.record(*given, **how)
        return inner.record(*given, **how)

    return Broken(inner, record=record)


def touching(model, **options):
    """A network that leaves a hook behind."""
    model.register_forward_hook(lambda *_: None)
    inner = network(model, **options)

    def record(*given, **how):
        model.register_forward_hook(lambda *_: None)
        return inner.record(*given, **how)

    return Broken(inner, record=record)


def of_batches(opened, x, **how):
    """Maps that depend on how many pictures there are."""
    return maps(opened, x, **how) * len(x)


def unsigned(opened, x, **how):
    return np.abs(maps(opened, x, **how))


def backwards(inner):
    return dict(reversed(inner.layers.items()))


def everything(inner):
    return {**inner.layers, "unused": None}


def survey_that_says(name):
    def survey(inner):
        real = inner.survey
        return lambda *shape: Broken(real(*shape), auto=name, reason="")

    return survey


CASES = [
    (opening.layer_that_never_runs_is_refused, {"network": attributes(layers=everything)}),
    (opening.layers_are_listed_in_order_of_execution, {"network": attributes(layers=backwards)}),
    (opening.gridless_model_is_refused, {"network": attributes(survey=survey_that_says("0"))}),
    (opening.auto_layer_is_crossed_by_every_path,
     {"network": attributes(survey=survey_that_says("branch"))}),
    (opening.gradients_of_all_layers_come_from_one_pullback,
     {"network": recordings(others_of_each)}),
    (opening.batch_equals_loop, {"maps": of_batches}),
    (answers.closing_softmax_is_left_out, {"network": attributes(closing=lambda _: None)}),
    (answers.softmax_in_a_call_is_left_out_or_said,
     {"network": recordings(logits_of("probabilities"))}),
    (answers.softmax_in_a_call_is_left_out_or_said, {"network": recordings(other_scores)}),
    (answers.single_sigmoid_unit_is_for_and_against, {"maps": unsigned}),
    (answers.sigmoid_labels_are_left_open, {"network": attributes(closing=lambda _: "softmax")}),
    (answers.half_precision_crosses_as_float32, {"network": recordings(wide)}),
    (answers.infinite_scores_are_an_error,
     {"network": attributes(record=lambda inner: shut(inner.record))}),
    (heads.head_that_cannot_stand_alone_makes_whole_passes_and_says_so,
     {"network": recordings(quiet_replays)}),
    (heads.head_that_draws_at_random_is_refused_with_what_works,
     {"network": recordings(quiet_replays)}),
    (heads.head_that_looks_at_a_whole_batch_is_given_one_at_a_time,
     {"network": recordings(quiet_replays)}),
    (heads.head_of_an_image_that_others_changed_is_refused,
     {"network": recordings(quiet_replays)}),
    (state.exception_in_the_middle_leaves_nothing_behind, {"network": touching}),
    (state.training_mode_is_put_aside_and_given_back, {"network": touching}),
    (state.nothing_of_the_model_is_changed, {"network": recordings(drawing)}),
    (state.nothing_of_the_model_is_changed, {"network": touching}),
    (state.one_forward_pass_records, {"network": twice}),
    (state.weights_changed_by_their_owner_are_seen, {"network": first_recording}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "names"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_is_broken_is_seen(check, names, monkeypatch):
    broken(check, monkeypatch, **names)


def any_size():
    """Takes every size and every number of channels, and says nothing of it."""

    class Any(nn.Module):
        def forward(self, x):
            return x.mean((1, 2, 3))[:, None].expand(-1, 4) * 1

    return Any().eval()


@pytest.mark.parametrize("check", sizes.CHECKS, ids=lambda check: check.__name__)
def test_a_network_that_takes_what_it_should_not_is_seen(check, monkeypatch):
    kit = TorchKit()
    monkeypatch.setattr(kit, "shrinking", any_size)
    monkeypatch.setattr(kit, "flattening", any_size)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(kit)


def weaker_passes(opened):
    """A network whose passes pull back half of what they should."""

    other = opened.for_heads(())
    record = other.record

    def recorded(*given, **how):
        made = record(*given, **how)
        return Broken(made, pullback=half(made.pullback), each_gradient=half_of_each(made))

    other.answering, other.again, other.record = (lambda _: None), (lambda *_: None), recorded
    return other


def half(pullback):
    return lambda cotangent: pullback(cotangent / 2)


def half_of_each(recording):
    return lambda cotangent, *use: recording.each_gradient(cotangent / 2, *use)


def tilted(fused):
    """Programs that say another cotangent than the one they pulled back."""

    def asked(*given, **how):
        found = fused(*given, **how)
        return replace(found, cotangent=found.cotangent * np.float32(1.1))

    return asked


PROGRAMS = [
    (programs.the_maps_of_programs_are_those_of_passes, {"by_passes": weaker_passes}),
    (programs.a_program_explains_each_picture_of_a_batch_by_its_own_target,
     {"by_passes": weaker_passes}),
    (programs.a_program_says_what_it_pulled_back,
     {"network": attributes(fused=lambda inner: tilted(inner.fused))}),
]  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("check", "names"), PROGRAMS, ids=lambda one: getattr(one, "__name__", ""))
def test_programs_that_say_something_else_are_seen(check, names, monkeypatch):
    from xai_heatmap.testing.kits.onnx_kit import OnnxKit

    check(OnnxKit())
    for name, value in names.items():
        monkeypatch.setattr(programs, name, value)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(OnnxKit())


def test_every_check_has_a_backend_that_it_refuses():
    refused = {*ALL_OF_A_LAYER, *(check for check, _ in CASES + PROGRAMS), *sizes.CHECKS}
    assert refused == set(conformance.CHECKS)


def test_a_kit_that_lies_about_its_model_is_seen():
    class Lying(TorchKit):
        def plain(self):
            return Broken(super().plain(), model=Plain())

    with pytest.raises(AssertionError):
        opening.plain_network_opens(Lying())


def test_without_pytest_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingFramework, match="pip install pytest"):
        importlib.reload(conformance)
    assert xh is not None
