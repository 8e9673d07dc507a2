"""The kit's other checks fail too where a backend is broken: company, pictures, rounding, layouts,
what is written, what is held."""

import itertools
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from test_broken_backends import Broken, logits_of, other_scores, recordings

torch = pytest.importorskip("torch", reason="needs PyTorch")
from test_company import OfFunctions  # noqa: E402
from test_displaced import Moved  # noqa: E402
from test_fixed_batch import OfTorch as Fixed  # noqa: E402
from test_kinds import AxesOfTorch, CodesOfTorch, FilesOfTorch, RewritingOfTorch  # noqa: E402
from test_rounding import OfFunctions as Plain  # noqa: E402
from test_shown_layouts import Tokens  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.testing.conformance import (  # noqa: E402
    batches,
    codes,
    company,
    displaced,
    files,
    held,
    input_axes,
    layouts,
    rewriting,
    rounding,
    seen,
    unchanged,
)

FAILS = (AssertionError, pytest.fail.Exception)


def explained(**other):
    """The package, with explanations of which something else is said."""

    def explain(*given, **how):
        return Broken(xh.explain(*given, **how), **other)

    names = ("likeness", "negative", "contrast", "function")
    return SimpleNamespace(explain=explain, **{name: getattr(xh, name) for name in names})


@pytest.mark.parametrize("check", company.CHECKS, ids=lambda check: check.__name__)
def test_scores_that_are_read_otherwise_are_seen(check, monkeypatch):
    both = check is company.probabilities_stay_so_beside_a_picture_that_has_none
    meaning = "logits" if both else "probabilities"
    monkeypatch.setattr(company, "network", recordings(logits_of(meaning)))
    with pytest.raises(FAILS):
        check(OfFunctions())


def test_a_network_of_a_fixed_number_of_pictures_that_is_read_otherwise_is_seen(monkeypatch):
    class Free(Fixed):
        methods = ("gradcam",)

        def fixed(self, number):
            return super().fixed(None)

    for check in batches.CHECKS:
        with pytest.raises(FAILS):
            check(Free())
    count = itertools.count(1)
    monkeypatch.setattr(batches, "maps", lambda *_, **__: np.float32(next(count)))
    monkeypatch.setattr(Fixed, "methods", ("gradcam",))
    with pytest.raises(FAILS):
        batches.one_picture_at_a_time_is_served_so(Fixed())


def test_heat_on_other_axes_is_seen(monkeypatch):
    def turned(*given, **how):
        found = right(*given, **how)
        return np.flip(found, tuple(range(1, found.ndim)))

    right = input_axes.maps
    for wrong in (turned, lambda *given, **how: right(*given, **how)[..., None]):
        monkeypatch.setattr(input_axes, "maps", wrong)
        for check in input_axes.CHECKS:
            with pytest.raises(FAILS):
                check(AxesOfTorch())


@pytest.mark.filterwarnings("ignore")
def test_layers_that_are_read_in_codes_are_seen(monkeypatch):
    read = codes.recorded

    def times(*factors):
        left = iter(factors)

        def recorded(model, x):
            by = next(left)
            return {k: np.rint(v * by) if by > 1 else v for k, v in read(model, x).items()}

        return recorded

    monkeypatch.setattr(codes, "recorded", times(60))
    with pytest.raises(FAILS):
        codes.no_layer_is_read_in_codes(CodesOfTorch())
    monkeypatch.setattr(codes, "recorded", times(60, 1))
    with pytest.raises(FAILS):
        codes.layers_of_codes_are_those_of_the_float_twin(CodesOfTorch())


def test_scores_of_another_graph_are_seen(monkeypatch):
    monkeypatch.setattr(rewriting, "network", recordings(other_scores))
    for check in rewriting.CHECKS:
        with pytest.raises(FAILS):
            check(RewritingOfTorch())


def test_a_damaged_file_that_ends_in_other_words_or_opens_is_seen(monkeypatch):
    def raw(path):
        raise KeyError(path)

    for wrong in (raw, lambda _: np.zeros((1, 4))):
        monkeypatch.setattr(files, "opened", wrong)
        for check in files.CHECKS:
            with pytest.raises(FAILS):
                check(FilesOfTorch())


class Cropping(OfFunctions):
    """Sees no frame."""

    def shares(self):
        return lambda x: x[:, [0, 2], 1:-1, 1:-1].mean((2, 3))


def test_a_picture_that_is_not_shown_as_it_is_is_seen(monkeypatch):
    for check in (seen.a_picture_of_its_size_goes_in_as_it_is, seen.sixteen_bits_are_as_eight):
        with pytest.raises(FAILS):
            check(Cropping())
    monkeypatch.setattr(seen, "xh", explained(notes=()))
    with pytest.raises(FAILS):
        seen.a_larger_picture_is_seen_whole_or_said_not_to_be(OfFunctions())


@pytest.mark.parametrize(
    ("check", "word"),
    [
        (rounding.likeness_of_a_picture_to_itself_has_no_slope, "dead_gradient"),
        (rounding.sides_that_are_the_same_take_each_other_away, "ok"),
        (rounding.what_something_moves_is_not_cancelled, "cancelled"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_verdict_that_is_wrong_is_seen(check, word, monkeypatch):
    said = explained(verdict=SimpleNamespace(word=word), heat=lambda: np.zeros(1))
    monkeypatch.setattr(rounding, "xh", said)
    with pytest.raises(FAILS):
        check(Plain())


def test_a_layout_that_is_taken_for_another_is_seen():
    with pytest.raises(FAILS):
        layouts.check_right(xh.network(Tokens("backwards").eval()), "row by row")
    with pytest.raises(FAILS):
        layouts.check_wrong(xh.network(Tokens("row by row").eval()))
    with pytest.raises(FAILS):
        displaced.check_stays(xh.network(Moved("cropped").eval()))
    with pytest.raises(FAILS):
        displaced.check_moves(xh.network(Moved("as it is").eval()))


class Careless:
    """Answers otherwise each time, and writes whenever it is looked at."""

    def __init__(self):
        self.count = itertools.count()

    def looking(self, look):
        return look

    def answer(self, model, x):
        return np.full((len(x), 2), float(next(self.count)))

    def writing(self):
        return {"a counter": self}

    def state(self, model):
        return next(self.count)


@pytest.mark.parametrize("check", unchanged.CHECKS, ids=lambda check: check.__name__)
def test_a_model_that_is_changed_is_seen(check, monkeypatch):
    def explained(model, x, method):
        if callable(model):
            model()
        np.random.random()  # noqa: NPY002 - the global one is meant
        return np.zeros((1, 2, 2))

    monkeypatch.setattr(unchanged, "explained", explained)
    with pytest.raises(FAILS):
        check(Careless())


class Deaf(torch.nn.Module):
    """Never hears what is held."""

    def __init__(self, net):
        super().__init__()
        self.conv, self.kept = net.conv, [net]

    def forward(self, image, metadata=None, second=None):
        (net,), given = self.kept, second if metadata is None else metadata
        return net.tail(self.conv(image), torch.zeros_like(given))


class OfDeaf:
    """Opens the wrong model, and runs it before it has said what is missing."""

    channels_last = False

    def made(self, net):
        return Deaf(net).eval()

    @contextmanager
    def runs(self, model):
        yield lambda: 1


HEARD = [
    held.gradcam_and_layercam_are_those_of_autograd, held.every_method_is_that_of_the_twin,
    held.methods_of_pixels_are_those_of_the_twin, held.other_values_give_another_map,
    held.a_recording_keeps_what_was_held, held.every_picture_may_have_its_own_row,
    held.the_other_picture_can_be_explained, held.explain_and_compare_hold_too,
    held.an_input_that_is_not_held_is_named, held.two_inputs_that_could_be_the_picture_are_named,
    held.a_name_that_the_model_lacks_lists_its_names,
]  # fmt: skip


@pytest.mark.parametrize("check", HEARD, ids=lambda check: check.__name__)
def test_a_held_input_that_is_not_heard_is_seen(check, monkeypatch):
    monkeypatch.setattr(held, "NETS", (held.Early,))
    monkeypatch.setattr(held, "METHODS", ("integrated_gradients",))
    with pytest.raises((*FAILS, xh.XaiHeatmapError)):
        check(OfDeaf())


def test_layers_maps_and_errors_that_are_wrong_are_seen(monkeypatch):
    right = held.Case.opened

    def opened(self, values):
        network = right(self, values)
        return Broken(network, layers={**network.layers, "read": None})

    kit = OfDeaf()
    draw = iter(np.random.default_rng(0).normal(size=(9, 2, 4, 4)).astype(np.float32))
    with monkeypatch.context() as patched:
        patched.setattr(held.Case, "opened", opened)
        with pytest.raises(FAILS):
            held.only_layers_of_the_picture_are_listed(kit)
    with monkeypatch.context() as patched:
        patched.setattr(held, "kit_maps", lambda *given, **how: next(draw))
        for check in (
            held.rows_are_as_many_as_pictures,
            held.whole_numbers_and_double_precision_are_taken,
        ):
            with pytest.raises(FAILS):
                check(kit)
    monkeypatch.setattr(held, "xh", SimpleNamespace(network=lambda *given, **how: None))
    with pytest.raises(FAILS):
        held.the_picture_is_not_held(kit)


def test_every_check_of_what_is_held_has_a_backend_that_it_refuses():
    others = {
        held.only_layers_of_the_picture_are_listed, held.rows_are_as_many_as_pictures,
        held.whole_numbers_and_double_precision_are_taken, held.the_picture_is_not_held,
    }  # fmt: skip
    assert {*HEARD, *others} == set(held.CHECKS)
