"""Formulas that run or differentiate the head, against their oracles on a head that is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_heatmap.core.attention import Attentions
from xai_heatmap.core.errors import BadOption, UnknownMethod
from xai_heatmap.core.evidence import Evidence, Level, Multipliers
from xai_heatmap.core.registry import METHODS, find_method
from xai_heatmap.methods._baseline import baseline
from xai_heatmap.methods._masking import varying
from xai_heatmap.methods._noise import noisy
from xai_heatmap.methods._regions import ranked
from xai_heatmap.methods._resize import resized
from xai_heatmap.methods._segments import of_one_slice, segmentations
from xai_heatmap.testing import oracles
from xai_heatmap.testing.networks.head import ToyHead

shapes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6))
seeds = st.integers(0, 10_000)
few = settings(max_examples=25, deadline=None, derandomize=True)
SHAPE = (3, 5, 7)


def known(shape=SHAPE, seed=0):
    activation = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    head = ToyHead(shape, seed)
    return activation, head, Evidence(activation=activation, head=head)


ROUNDING = 2 * np.finfo(np.float32).eps
"""Of a difference of two scores near 1/2, which is what these heads answer to nothing."""


def assert_equal(found, wanted, *, rtol=1e-5):
    assert found.dtype == np.float32
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=max(rtol * scale, ROUNDING))


@given(shape=shapes, seed=seeds, fill=st.sampled_from(["zero", "mean"]))
@few
def test_ablationcam_equals_its_oracle(shape, seed, fill):
    activation, head, evidence = known(shape, seed)
    wanted = oracles.ablationcam_by_loops(activation, head.score, fill)
    # float32 scores differ by 1e-7 of y; what is lost in the difference is no part of the formula
    noise = 4e-7 * np.abs(activation).sum(axis=0).max()
    found = find_method("ablationcam")(evidence, {"fill": fill})
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max() + noise)


def test_ablationcam_runs_every_feature_map_that_is_not_zero_once():
    activation, head, evidence = known((6, 2, 2))
    activation[2:5] = 0
    find_method("ablationcam")(evidence)
    assert len(head.seen) == 1 + 3
    assert [int((seen != activation).any(axis=(1, 2)).argmax()) for seen in head.seen[1:]] == [
        0,
        1,
        5,
    ]


def test_ablationcam_of_a_linear_head_is_its_weights():
    """y = Σ w_k mean(A_k), so that the loss of A_k is its own part of the sum."""
    activation = np.random.default_rng(0).uniform(size=(4, 3, 3)).astype(np.float32)
    weights = np.array([1.0, 2.0, -0.5, 3.0])

    def head(many):
        return np.array([(weights * a.mean((1, 2))).sum() for a in many], np.float32)

    means = activation.mean((1, 2))
    wanted = np.tensordot(weights * means, activation, 1) / (weights * means).sum()
    found = find_method("ablationcam")(Evidence(activation=activation, head=head))
    np.testing.assert_allclose(found, np.maximum(wanted, 0), rtol=1e-4)


def test_ablationcam_of_a_score_of_zero_is_finite():
    activation = np.ones((2, 1, 2), np.float32)
    head = lambda many: np.array([a[0].sum() - a[1].sum() for a in many], np.float32)  # noqa: E731
    found = find_method("ablationcam")(Evidence(activation=activation, head=head), {"relu": False})
    assert np.isfinite(found).all()


@pytest.mark.slow
@given(shape=shapes, seed=seeds, gaussian=st.booleans())
@few
def test_reciprocam_equals_its_oracle(shape, seed, gaussian):
    activation, head, evidence = known(shape, seed)
    wanted = oracles.reciprocam_by_loops(activation, head.score, gaussian=gaussian)
    found = find_method("reciprocam")(evidence, {"gaussian": gaussian})
    assert_equal(found, wanted)
    assert len(head.seen) == 1 + activation[0].size


def test_reciprocam_without_gaussian_of_a_linear_head_is_hirescam():
    activation = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    head = lambda many: np.array([(weights * a).sum() + 3 for a in many], np.float32)  # noqa: E731
    found = find_method("reciprocam")(
        Evidence(activation=activation, head=head), {"gaussian": False}
    )
    wanted = find_method("hirescam")(Evidence(activation=activation, gradient=weights))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@given(shape=shapes, seed=seeds)
@few
def test_shapleycam_equals_its_oracle_with_the_whole_hessian(shape, seed):
    activation, head, _ = known(shape, seed)
    gradient = head.slope(activation).astype(np.float32)
    evidence = Evidence(activation=activation, gradient=gradient, head=head)
    wanted = oracles.shapleycam_by_loops(activation, gradient, head.hessian(activation))
    # what two float32 gradients lack, over twice the step
    noise = 1e-5 * np.abs(gradient).max() * np.abs(activation).sum(axis=0).max()
    found = find_method("shapleycam")(evidence)
    np.testing.assert_allclose(found, wanted, atol=noise + 1e-5 * np.abs(wanted).max())
    assert len(head.seen) == 2
    raw = find_method("shapleycam")(evidence, {"relu": False})
    np.testing.assert_array_equal(np.maximum(raw, 0), found)


def test_shapleycam_of_a_linear_head_is_gradcam():
    activation = np.random.default_rng(0).uniform(size=SHAPE).astype(np.float32)
    gradient = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)

    class Linear:
        def __call__(self, many):
            return np.array([(gradient * a).sum() for a in many], np.float32)

        def gradients(self, many):
            return ((0.0, gradient) for _ in many)

    evidence = Evidence(activation=activation, gradient=gradient, head=Linear())
    found = find_method("shapleycam")(evidence)
    np.testing.assert_array_equal(found, find_method("gradcam")(evidence))


ways = given(
    shape=shapes,
    seed=seeds,
    steps=st.integers(1, 9),
    kind=st.sampled_from(["zero", "mean", "blur"]),
)


def equals_the_integral(name, shape, seed, steps, kind):
    activation, head, evidence = known(shape, seed)
    start = oracles.baseline_by_loops(activation, kind)
    wanted = oracles.integrated_by_loops(activation, head.slope, start, steps)
    assert_equal(find_method(name)(evidence, {"steps": steps, "baseline": kind}), wanted)
    assert len(head.seen) == steps + 2


@ways
@few
def test_integrated_equals_its_oracle(shape, seed, steps, kind):
    equals_the_integral("integrated", shape, seed, steps, kind)


@ways
@few
def test_integrated_gradients_equals_its_oracle(shape, seed, steps, kind):
    equals_the_integral("integrated_gradients", shape, seed, steps, kind)


@pytest.mark.parametrize("name", ["integrated", "integrated_gradients"])
def test_completeness(name):
    activation, head, evidence = known()
    found = find_method(name).found(evidence, {"steps": 64})
    rise = head.score(activation) - head.score(np.zeros(SHAPE))
    assert found.map.sum() == pytest.approx(rise, rel=1e-3)
    said = found.figures["completeness residual"]
    assert said == pytest.approx(abs(found.map.sum() - rise) / abs(rise), abs=1e-5)
    coarse = find_method(name).found(evidence, {"steps": 2}).figures["completeness residual"]
    assert coarse > 10 * said > 0


def test_completeness_residual_is_finite_where_nothing_rises():
    _, head, _ = known()
    evidence = Evidence(activation=np.zeros(SHAPE, np.float32), head=head)
    assert find_method("integrated").found(evidence).figures == {"completeness residual": 0.0}


def test_integrated_of_a_linear_head_is_hirescam():
    activation = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)

    class Linear(ToyHead):
        def score(self, a):
            return float((weights * a).sum())

        def slope(self, a):
            return weights

    found = find_method("integrated")(Evidence(activation=activation, head=Linear(SHAPE)))
    wanted = find_method("hirescam")(Evidence(activation=activation, gradient=weights))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@given(
    shape=shapes,
    seed=seeds,
    window=st.integers(1, 4),
    stride=st.integers(1, 4),
    fill=st.sampled_from(["zero", "mean", "blur"]),
)
@few
def test_occlusion_equals_its_oracle(shape, seed, window, stride, fill):
    activation, head, evidence = known(shape, seed)
    options = {"window": window, "stride": min(stride, window), "fill": fill}
    cover = oracles.baseline_by_loops(activation, fill)
    wanted = oracles.occlusion_by_loops(
        activation, head.score, cover, window=window, stride=min(stride, window)
    )
    assert_equal(find_method("occlusion")(evidence, options), wanted)


def test_occlusion_of_single_places_of_a_linear_head_is_input_x_gradient():
    picture = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    head = lambda many: np.array([(weights * x).sum() + 3 for x in many], np.float32)  # noqa: E731
    found = find_method("occlusion")(
        Evidence(activation=picture, head=head), {"window": 1, "stride": 1}
    )
    wanted = find_method("input_x_gradient")(Evidence(activation=picture, gradient=weights))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_occlusion_chooses_an_eighth_of_each_axis_and_half_of_that():
    activation, head, evidence = known((1, 32, 16))
    find_method("occlusion")(evidence)
    covered = [np.argwhere(seen[0] != activation[0]) for seen in head.seen[1:]]
    assert {tuple(np.ptp(places, axis=0) + 1) for places in covered} == {(4, 2)}
    assert len(covered) == 15 * 15
    small = known((1, 2, 3))
    find_method("occlusion")(small[2])
    assert len(small[1].seen) == 1 + 6


def test_occlusion_with_gaps_is_refused():
    with pytest.raises(BadOption, match="gaps"):
        find_method("occlusion")(known()[2], {"window": 2, "stride": 3})


def seen_masks(**options):
    """The masks themselves: what the head sees of a picture that is 1 everywhere."""
    head = ToyHead((1, 20, 33))
    evidence = Evidence(activation=np.ones((1, 20, 33), np.float32), head=head)
    found = find_method("rise").found(evidence, {"samples": 300, **options})
    return found, [seen[0] for seen in head.seen], [head.score(seen) for seen in head.seen]


@pytest.mark.parametrize("samples", [2, 51, 300])
def test_rise_equals_its_oracle_on_its_own_masks(samples):
    found, masks, scores = seen_masks(samples=samples)
    assert found.figures["masks"] == len(masks) == samples
    assert_equal(found.map, oracles.rise_by_loops(masks, scores), rtol=1e-4)


def test_rise_masks_are_smooth_shifted_one_by_one_and_half_visible():
    _, masks, _ = seen_masks()
    together = np.array(masks)
    assert together.min() >= 0
    assert together.max() <= 1
    assert together.mean() == pytest.approx(0.5, abs=0.01)
    assert np.abs(together.mean(axis=0) - 0.5).max() < 0.15, "every place is as often visible"
    assert np.abs(np.diff(together, axis=1)).max() <= 1 / 3 + 1e-6  # a cell is 3 places high
    corners = {tuple(np.flatnonzero(np.diff(np.diff(mask[10])).round(5))[:1]) for mask in masks}
    assert len(corners) > 3, "masks of one batch are shifted each by itself"
    _, fewer, _ = seen_masks(visible=0.2)
    assert np.mean(fewer) == pytest.approx(0.2, abs=0.02)
    _, coarse, _ = seen_masks(cells=2)
    assert np.abs(np.diff(coarse, axis=1)).max() <= 0.1 + 1e-6


def test_rise_repeats_itself_and_listens_to_its_seed():
    same, other = seen_masks(), seen_masks(seed=1)
    np.testing.assert_array_equal(seen_masks()[0].map, same[0].map)
    assert (same[0].map != other[0].map).any()


@pytest.mark.slow
def test_rise_knows_its_own_error():
    """The figure is the spread of the map over seeds."""
    maps, said = [], []
    for seed in range(30):
        activation, head, _ = known((2, 9, 9))
        found = find_method("rise").found(
            Evidence(activation=activation, head=head), {"samples": 400, "seed": seed}
        )
        maps.append(found.map)
        said.append(found.figures["standard error"])
    true = float(np.sqrt(np.var(maps, axis=0).mean()))
    assert np.mean(said) == pytest.approx(true, rel=0.25)


def test_rise_stops_when_its_map_is_stable():
    activation = np.zeros((1, 12, 12), np.float32)
    activation[0, 3:6, 3:6] = 1
    head = ToyHead((1, 12, 12))
    head.score = lambda a: float(a[0, 3:6, 3:6].sum())
    evidence = Evidence(activation=activation, head=head)
    early = find_method("rise").found(evidence, {"stable": 0.9})
    assert early.figures["masks"] == len(head.seen) < 1000
    assert early.figures["reliability"] >= 0.9
    whole = find_method("rise").found(evidence, {"samples": 1000})
    assert whole.figures["masks"] == 1000
    assert whole.figures["reliability"] > early.figures["reliability"]


def test_rise_of_a_score_that_never_changes_is_zero_and_unreliable():
    head = lambda many: np.array([7.0 for _ in many], np.float32)  # noqa: E731
    evidence = Evidence(activation=np.ones((1, 6, 6), np.float32), head=head)
    found = find_method("rise").found(evidence, {"samples": 60})
    np.testing.assert_allclose(found.map, 0, atol=1e-6)
    assert found.figures["reliability"] == 0


@pytest.mark.parametrize(("name", "variance"), [("smoothgrad", False), ("vargrad", True)])
def test_noisy_gradients_equal_their_oracle(name, variance):
    _, head, evidence = known()
    found = find_method(name)(evidence, {"samples": 12, "noise": 0.3})
    wanted = oracles.gradients_by_loops([head.slope(a) for a in head.seen], variance=variance)
    assert len(head.seen) == 12
    assert_equal(found, wanted)


def test_noise_has_the_deviation_that_is_asked_for():
    activation, head, evidence = known((3, 20, 20))
    find_method("smoothgrad")(evidence, {"samples": 40, "noise": 0.1})
    noise = np.array(head.seen) - activation
    assert noise.std() == pytest.approx(0.1 * np.ptp(activation), rel=0.02)
    assert abs(noise.mean()) < 0.01


def test_smoothgrad_without_noise_is_saliency():
    activation, head, evidence = known()
    gradient = head.slope(activation).astype(np.float32)
    wanted = find_method("saliency")(Evidence(gradient=gradient))
    np.testing.assert_allclose(
        find_method("smoothgrad")(evidence, {"noise": 0.0}), wanted, rtol=1e-5
    )


def test_vargrad_of_a_linear_head_is_zero():
    class Linear(ToyHead):
        def slope(self, a):
            return np.ones(SHAPE)

    evidence = Evidence(activation=known()[0], head=Linear(SHAPE))
    np.testing.assert_allclose(find_method("vargrad")(evidence), 0, atol=1e-12)


@given(
    shape=shapes,
    seed=seeds,
    form=st.sampled_from([{}, {"negative": True}, {"softmax": True}]),
    top=st.integers(0, 4),
    flat=st.booleans(),
)
@few
def test_scorecam_equals_its_oracle(shape, seed, form, top, flat):
    activation, _, _ = known(shape, seed)
    if flat:
        activation[0] = 3
    image, model, _ = known((3, 8, 9), seed)
    wanted = oracles.scorecam_by_loops(image, activation, model.score, **form, top=top)
    found = find_method("scorecam")(
        Evidence(image=image, activation=activation, model=model), {**form, "top": top}
    )
    assert_equal(found, wanted, rtol=2e-5)


def test_scorecam_runs_what_varies_most_and_nothing_flat():
    activation, _, _ = known((5, 3, 3))
    activation *= np.array([1, 5, 0.1, 3, 0], np.float32)[:, None, None]
    image, model, _ = known((3, 6, 6))
    evidence = Evidence(image=image, activation=activation, model=model)
    find_method("scorecam")(evidence)
    assert len(model.seen) == 1 + 4
    model.seen.clear()
    found = find_method("scorecam")(evidence, {"top": 2})
    assert len(model.seen) == 1 + 2
    alone = Evidence(image=image, activation=activation[[1, 3]], model=model)
    np.testing.assert_allclose(found, find_method("scorecam")(alone), rtol=1e-5)


@pytest.mark.slow
@given(shape=shapes, seed=seeds, groups=st.integers(1, 4), hidden=st.sampled_from([0.0, 0.3, 0.7]))
@few
def test_groupcam_equals_its_oracle(shape, seed, groups, hidden):
    activation, _, _ = known(shape, seed)
    image, model, _ = known((3, 8, 9), seed)
    gradient = np.random.default_rng(seed + 1).normal(size=shape).astype(np.float32)
    evidence = Evidence(image=image, activation=activation, gradient=gradient, model=model)
    wanted = oracles.groupcam_by_loops(evidence, model.score, groups=groups, hidden=hidden)
    found = find_method("groupcam")(evidence, {"groups": groups, "hidden": hidden})
    assert_equal(found, wanted, rtol=2e-5)


def reopened(head, seen):
    """The network again for other pictures, where picture and layer are one; keeps what it saw."""

    def again(pictures, needs):
        for picture in pictures:
            seen.append(picture.copy())
            gradient = head.slope(picture).astype(np.float32)
            yield Evidence(image=picture, activation=picture, gradient=gradient)

    return again


@given(shape=shapes, seed=seeds, samples=st.integers(1, 5))
@few
def test_smooth_gradcam_pp_equals_its_oracle(shape, seed, samples):
    activation, head, _ = known(shape, seed)
    seen = []
    evidence = Evidence(image=activation, activation=activation, again=reopened(head, seen))
    found = find_method("smooth_gradcam_pp")(evidence, {"samples": samples, "noise": 0.3})
    wanted = oracles.smooth_gradcam_pp_by_loops(activation, [head.slope(x) for x in seen])
    assert len(seen) == samples
    assert_equal(found, wanted, rtol=2e-5)


def test_smooth_gradcam_pp_without_noise_is_gradcam_pp():
    activation, head, _ = known()
    gradient = head.slope(activation).astype(np.float32)
    evidence = Evidence(
        image=activation, activation=np.abs(activation), gradient=gradient, again=reopened(head, [])
    )
    evidence = replace(evidence, again=lambda pictures, _: (evidence for _ in pictures))
    found = find_method("smooth_gradcam_pp")(evidence, {"noise": 0.0, "samples": 3})
    wanted = find_method("gradcam_pp")(evidence)
    # a negative third power may take the denominator below 0, where gradcam_pp has no weight either
    assert_equal(found, wanted)


def test_a_modifier_sees_the_picture_with_noise_and_means_whole_maps():
    activation, head, _ = known()
    seen = []
    evidence = Evidence(image=activation, again=reopened(head, seen))
    options = {"samples": 7, "noise": 0.2, "relu": False}
    found = find_method("smooth:gradcam").found(evidence, options)
    maps = [
        find_method("gradcam")(
            Evidence(activation=x, gradient=head.slope(x).astype(np.float32)), {"relu": False}
        )
        for x in seen
    ]
    assert len(seen) == 7
    assert_equal(found.map, np.mean(maps, axis=0))
    error = np.sqrt(np.var(maps, axis=0, ddof=1).mean() / 7)
    assert found.figures == {"standard error": pytest.approx(error, rel=1e-4)}
    varied = find_method("vary:gradcam").found(evidence, options)
    assert_equal(varied.map, np.var(maps, axis=0))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "samples"), [("smooth:gradcam", 30), ("vary:gradcam", 60)])
def test_a_modifier_knows_its_own_error(name, samples):
    """The figure is the spread of the map over seeds."""
    activation, head, _ = known((2, 4, 4))
    evidence = Evidence(image=activation, again=reopened(head, []))
    options = {"samples": samples, "relu": False}
    found = [find_method(name).found(evidence, options | {"seed": seed}) for seed in range(60)]
    true = np.sqrt(np.var([one.map for one in found], axis=0).mean())
    said = np.mean([one.figures["standard error"] for one in found])
    assert said == pytest.approx(true, rel=0.25)


def test_one_noisy_picture_has_no_error_to_tell():
    activation, head, _ = known()
    evidence = Evidence(image=activation, again=reopened(head, []))
    found = find_method("smooth:gradcam").found(evidence, {"samples": 1})
    assert found.figures == {"standard error": 0.0}


def test_a_modified_method_says_what_it_is():
    smooth, vary = find_method("smooth:cam"), find_method("vary:occlusion")
    assert smooth.name == "smooth:cam"
    assert "samples" in smooth.options
    assert smooth.signed
    assert not vary.signed
    assert vary.auto == "input"
    assert smooth.differentiates
    assert not vary.differentiates
    assert smooth.summary.startswith("mean_i M(x + ε_i)")
    assert smooth.summary.endswith(find_method("cam").summary)
    assert smooth.cost == "1 forward + `samples` x (1 forward + 1 backward through the head)"
    assert set(find_method("smooth:rise").options) == {*find_method("rise").options, "noise"}
    with pytest.raises(UnknownMethod, match=r"smoth.*Did you mean 'smooth'.*smooth:gradcam"):
        find_method("smoth:gradcam")
    with pytest.raises(UnknownMethod, match=r"'gradcan'.*Did you mean 'gradcam'"):
        find_method("smooth:gradcan")


def levels(seed, *, rows=6, columns=4, count=3):
    random = np.random.default_rng(seed)
    return [
        Level(*random.normal(size=(2, 3, max(rows >> n, 1), max(columns >> n, 1))).astype("f"))
        for n in range(count)
    ]


@given(seed=seeds, count=st.integers(1, 3), gamma=st.sampled_from([0.5, 2.0]))
@few
def test_layercam_fused_equals_its_oracle(seed, count, gamma):
    pyramid = levels(seed, count=count)
    found = find_method("layercam_fused")(Evidence(pyramid=pyramid), {"gamma": gamma})
    assert_equal(found, oracles.layercam_fused_by_loops(pyramid, gamma))


@given(seed=seeds, count=st.integers(1, 3), floor=st.sampled_from([0.0, 0.1, 0.5]))
@few
def test_refinecam_equals_its_oracle(seed, count, floor):
    pyramid = levels(seed, count=count)
    found = find_method("refinecam")(Evidence(pyramid=pyramid), {"floor": floor})
    assert_equal(found, oracles.refinecam_by_loops(pyramid, floor))


@given(seed=seeds, count=st.integers(1, 2), rows=st.sampled_from([6, 7]))
@few
def test_layercam_product_equals_its_oracle(seed, count, rows):
    stages = levels(seed, count=count, rows=rows)[::-1]
    found = find_method("layercam_product")(Evidence(stages=stages))
    assert_equal(found, oracles.layercam_product_by_loops(stages))


def test_a_product_that_vanishes_is_the_map_of_the_layer_itself():
    left, right = np.zeros((2, 1, 1, 4), np.float32)
    left[..., 0] = right[..., 3] = 2
    one = np.ones_like(left)
    found = find_method("layercam_product").found(
        Evidence(stages=[Level(left, one), Level(right, one)])
    )
    np.testing.assert_array_equal(found.map, left[0] / 2)
    assert found.figures == {"layers": 1.0}
    nothing = [Level(0 * left, one), Level(right, one)]
    assert not find_method("layercam_product")(Evidence(stages=nothing)).any()


@pytest.mark.parametrize("name", ["layercam_fused", "refinecam"])
def test_an_empty_layer_does_not_blank_the_others(name):
    pyramid = levels(0, rows=8, columns=8)
    pyramid[1] = Level(pyramid[1].activation * 0, pyramid[1].gradient)
    found = find_method(name).found(Evidence(pyramid=pyramid))
    without = find_method(name)(Evidence(pyramid=[pyramid[0], pyramid[2]]))
    assert found.figures == {"layers": 2.0}
    np.testing.assert_allclose(found.map, without, atol=1e-6)
    nothing = [Level(own.activation * 0, own.gradient) for own in pyramid]
    assert not find_method(name)(Evidence(pyramid=nothing)).any()


@pytest.mark.parametrize("name", ["layercam_fused", "refinecam"])
def test_a_single_layer_is_layercam_to_its_maximum(name):
    pyramid = levels(1, count=1)
    own = pyramid[0]
    plain = find_method("layercam")(Evidence(activation=own.activation, gradient=own.gradient))
    found = find_method(name)(Evidence(pyramid=pyramid))
    np.testing.assert_allclose(found, plain / plain.max(), atol=1e-6)


@given(shape=shapes, seed=seeds, samples=st.integers(1, 3), top=st.integers(0, 4))
@few
def test_sscam_equals_its_oracle(shape, seed, samples, top):
    activation, _, _ = known(shape, seed)
    image, model, _ = known((3, 8, 9), seed)
    options = {"noise": 0.4, "samples": samples, "seed": 3}
    used = varying(activation, top)

    def masks(m):
        own = used.index(m)
        return noisy(activation[m], **{**options, "seed": 3 + own})

    wanted = oracles.masked_by_loops(image, activation, model.score, used=used, masks=masks)
    evidence = Evidence(image=image, activation=activation, model=model)
    found = find_method("sscam")(evidence, {**options, "top": top})
    assert len(model.seen) == 1 + samples * len(used)
    assert_equal(found, wanted, rtol=5e-5)


@given(shape=shapes, seed=seeds, steps=st.integers(1, 4), top=st.integers(0, 4))
@few
def test_iscam_equals_its_oracle(shape, seed, steps, top):
    activation, _, _ = known(shape, seed)
    image, model, _ = known((3, 8, 9), seed)
    wanted = oracles.masked_by_loops(
        image,
        activation,
        model.score,
        used=varying(activation, top),
        masks=lambda m: [activation[m]],
        factors=[step / steps for step in range(1, steps + 1)],
    )
    evidence = Evidence(image=image, activation=activation, model=model)
    found = find_method("iscam")(evidence, {"steps": steps, "top": top})
    assert_equal(found, wanted, rtol=5e-5)


@pytest.mark.parametrize(("name", "options"), [("sscam", {"noise": 0.0}), ("iscam", {"steps": 1})])
def test_score_cam_s_descendants_are_score_cam_where_they_do_nothing(name, options):
    activation, _, _ = known()
    image, model, _ = known((3, 8, 9))
    evidence = Evidence(image=image, activation=activation, model=model)
    assert_equal(find_method(name)(evidence, options), find_method("scorecam")(evidence))


def test_masks_with_noise_on_them_stay_masks():
    activation, _, _ = known()
    model = ToyHead((1, 8, 9))
    evidence = Evidence(image=np.ones((1, 8, 9), np.float32), activation=activation, model=model)
    find_method("sscam")(evidence, {"noise": 3.0})
    seen = np.array(model.seen[1:])
    assert seen.min() >= 0
    assert seen.max() <= 1 + 1e-6


def blocks_seen(name, grid=(9, 11), **options):
    """What the head sees of a picture that is 1 everywhere, block by block of four by four."""
    head = ToyHead((1, *grid))
    evidence = Evidence(activation=np.ones((1, *grid), np.float32), head=head)
    found = find_method(name).found(evidence, {"cells": 4, **options})
    starts = [[-(-place * length // 4) for place in range(4)] for length in grid]
    rows = [[seen[0, i, j] for i in starts[0] for j in starts[1]] for seen in head.seen]
    for row, seen in zip(rows, head.seen, strict=True):
        for i in range(grid[0]):
            for j in range(grid[1]):
                assert seen[0, i, j] == row[i * 4 // grid[0] * 4 + j * 4 // grid[1]]
    scores = {tuple(row): head.score(seen) for row, seen in zip(rows, head.seen, strict=True)}
    return found, rows, scores


@pytest.mark.parametrize("samples", [4, 7])
def test_sobol_equals_its_oracle_on_its_own_designs(samples):
    found, rows, scores = blocks_seen("sobol", samples=samples)
    assert len(rows) == samples * (16 + 2)
    one, other = rows[:samples], rows[samples : 2 * samples]
    indices = oracles.sobol_by_loops(one, other, lambda row: scores[tuple(row)])
    drawn = oracles.drawn_out_by_loops(np.reshape(indices, (4, 4)), 9, 11)
    assert_equal(found.map, drawn, rtol=1e-4)


def test_sobol_s_designs_are_latin_hypercubes():
    _, rows, _ = blocks_seen("sobol", samples=8)
    for cell in np.array(rows[:8]).T:
        assert sorted(np.floor(cell * 8)) == list(range(8))


def parts(weights, score):
    """A picture of four places, and a score of what is shown of each."""
    x = np.array([weights], np.float32)
    return Evidence(activation=x, head=lambda many: np.array([score(m[0]) for m in many], "f"))


@pytest.mark.slow
def test_sobol_indices_of_a_sum_are_its_squares():
    evidence = parts([1, 2, 0, -3], lambda m: m.sum() + 5)
    found = find_method("sobol").found(evidence, {"samples": 20_000, "cells": 4})
    np.testing.assert_allclose(found.map, np.array([1, 4, 0, 9]) / 14, atol=0.02)


@pytest.mark.slow
def test_sobol_indices_of_a_product_count_it_for_both():
    evidence = parts([1, 1, 1, 1], lambda m: m[0] * m[2])
    found = find_method("sobol").found(evidence, {"samples": 4000, "cells": 4})
    np.testing.assert_allclose(found.map, [4 / 7, 0, 4 / 7, 0], atol=0.03)


@pytest.mark.slow
def test_sobol_knows_its_own_error():
    evidence = parts([1, 2, 1, -3], lambda m: (m.sum() + 1) ** 2)
    found = [
        find_method("sobol").found(evidence, {"samples": 50, "cells": 4, "seed": seed})
        for seed in range(60)
    ]
    true = np.sqrt(np.var([one.map for one in found], axis=0).mean())
    said = np.mean([one.figures["standard error"] for one in found])
    assert said == pytest.approx(true, rel=0.3)


@pytest.mark.parametrize("name", ["sobol", "hsic"])
def test_a_score_that_never_changes_depends_on_nothing(name):
    evidence = parts([1, 2, 3, 4], lambda m: 7.0)
    found = find_method(name).found(evidence, {"samples": 20})
    assert not found.map.any()
    assert found.figures["reliability"] == 0


@pytest.mark.parametrize("name", ["sobol", "hsic"])
def test_what_is_not_shown_is_filled(name):
    picture = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    head = ToyHead((2, 8, 8))
    evidence = Evidence(activation=picture, head=head)
    find_method(name)(evidence, {"samples": 8, "fill": "mean"})
    means = picture.mean(axis=(1, 2), keepdims=True)
    shown = (head.seen[0] - means) / (picture - means)
    np.testing.assert_allclose(shown[0], shown[1], atol=1e-3)
    assert shown.min() > -1e-3
    assert shown.max() < 1 + 1e-3


@pytest.mark.parametrize("samples", [8, 31])
def test_hsic_equals_its_oracle_on_its_own_masks(samples):
    found, rows, scores = blocks_seen("hsic", samples=samples)
    assert len(rows) == samples
    assert {value for row in rows for value in row} == {0.0, 1.0}
    values = [np.float32(scores[tuple(row)]) for row in rows]
    drawn = oracles.drawn_out_by_loops(
        np.reshape(oracles.hsic_by_matrices(rows, [float(v) for v in values]), (4, 4)), 9, 11
    )
    assert_equal(found.map, drawn, rtol=1e-4)


def test_hsic_of_what_has_no_effect_is_chance():
    evidence = parts([1, 1, 1, 1], lambda m: m[1] + m[2] * m[2])
    find = find_method("hsic")
    maps = [find(evidence, {"samples": 60, "cells": 4, "seed": seed}) for seed in range(80)]
    mean, error = np.mean(maps, axis=0), np.std(maps, axis=0) / 80**0.5
    assert np.abs(mean[[0, 3]]).max() < 4 * error[[0, 3]].max()
    assert mean[1] > 20 * error[1]


guided = given(
    shape=shapes,
    seed=seeds,
    steps=st.integers(1, 6),
    anchors=st.integers(1, 4),
    share=st.sampled_from([0.05, 0.3, 1.0]),
)


@guided
@few
def test_guided_ig_equals_its_oracle(shape, seed, steps, anchors, share):
    activation, head, evidence = known(shape, seed)
    options = {"steps": steps, "anchors": anchors, "share": share}
    wanted = oracles.guided_by_loops(
        activation, lambda x: head.slope(x.astype("f")), np.zeros(shape), **options
    )
    found = find_method("guided_ig")(evidence, options)
    assert len(head.seen) == steps + 1
    assert_equal(found, wanted, rtol=1e-4)


def test_guided_ig_add_up():
    activation, head, evidence = known()
    rise = head.score(activation) - head.score(np.zeros(SHAPE))
    for anchors in (1, 4):
        options = {"steps": 100, "anchors": anchors}
        found = find_method("guided_ig").found(evidence, options)
        said = found.figures["completeness residual"]
        assert said == pytest.approx(abs(found.map.sum() - rise) / abs(rise), abs=1e-5)
        assert said < 0.02


def test_the_guided_way_moves_what_is_flat_first_and_ends_at_the_picture():
    activation = np.array([[1.0, 1.0, 1.0]], np.float32)
    head = ToyHead((1, 3))
    head.slope = lambda a: np.array([[3.0, 1.0, 2.0]])
    evidence = Evidence(activation=activation, head=head)
    find_method("guided_ig")(evidence, {"steps": 3, "anchors": 1, "share": 0.3})
    ways = [seen[0].tolist() for seen in head.seen]
    assert ways == [[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]]


def test_a_guided_way_with_an_anchor_a_step_is_the_straight_one():
    activation, head, evidence = known()
    find_method("guided_ig")(evidence, {"steps": 5, "anchors": 5})
    straight = [activation * step / 5 for step in range(6)]
    np.testing.assert_allclose(head.seen, straight, atol=1e-6)


sides = st.integers(2, 6)


@given(
    rows=sides,
    columns=sides,
    k=st.integers(1, 4),
    seed=seeds,
    around=st.integers(0, 2),
    fewest=st.integers(1, 4),
)
@few
def test_xrai_equals_its_oracle(rows, columns, k, seed, around, fewest):
    activation = known((k, rows, columns), seed)[0]
    scales = (0.2, 1.0, 4.0)
    added = np.random.default_rng(seed).normal(size=(rows, columns))
    labels = segmentations(activation, scales, least=2 / of_one_slice((rows, columns)))
    sets = [oracles.segments_by_loops(activation, scale, 2) for scale in scales]
    for one, regions in zip(labels, sets, strict=True):
        named = {frozenset(np.flatnonzero(one.ravel() == n)) for n in range(one.max() + 1)}
        assert named == {frozenset(region) for region in regions}
    wanted = oracles.xrai_by_loops(added, sets, around, fewest)
    found = ranked(added, labels, around=around, fewest=fewest)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_xrai_adds_up_and_holds_to_regions():
    activation, head, _ = known((3, 20, 24))
    activation[:, 5:12, 6:15] += 8
    evidence = Evidence(activation=activation, head=head)
    found = find_method("xrai").found(evidence, {"steps": 64})
    ends = [getattr(activation, end)(axis=(1, 2), keepdims=True) for end in ("min", "max")]
    before = np.mean([head.score(np.broadcast_to(end, activation.shape)) for end in ends])
    assert found.map.sum() == pytest.approx(head.score(activation) - before, rel=1e-3)
    assert len(np.unique(found.map)) <= found.figures["regions"]
    assert found.figures["completeness residual"] < 1e-2


@pytest.mark.parametrize("part", [1, 2, 3])
def test_feature_factors_equals_its_oracle(part):
    activation, head, evidence = known((3, 3, 4), 5)
    activation[:] = np.abs(activation)
    activation[0, 0, 0] = -1
    options = {"parts": 3, "part": part, "seed": 2}
    found = find_method("feature_factors").found(evidence, options)
    rows = np.maximum(activation, 0).reshape(3, -1).astype(np.float64)
    random, size = np.random.default_rng(2), (rows.mean() / 3) ** 0.5
    start = [size * random.uniform(0.5, 1.5, shape) for shape in ((3, 3), (3, 12))]
    kinds, places = oracles.factors_by_loops(rows, *start, 200)
    losses = [
        head.score(activation) - head.score(activation - np.outer(w, h).reshape(3, 3, 4))
        for w, h in zip(kinds.T, places, strict=True)
    ]
    loss, own = sorted(zip(losses, range(3), strict=True), reverse=True)[part - 1]
    wanted = loss * places[own].reshape(3, 4) / places[own].sum()
    assert_equal(found.map, wanted, rtol=1e-3)
    assert found.figures["score added"] == pytest.approx(loss, rel=1e-3, abs=1e-5)
    assert found.map.sum() == pytest.approx(loss, rel=1e-3, abs=1e-5)
    missing = ((rows - kinds @ places) ** 2).sum() / (rows**2).sum()
    assert found.figures["explained"] == pytest.approx(1 - missing, abs=1e-4)


def test_feature_factors_finds_the_parts_that_were_put_in():
    random = np.random.default_rng(0)
    where = np.zeros((2, 6, 6))
    where[0, :3, :3], where[1, 3:, 2:] = 1, 2
    kinds = random.uniform(0.1, 1, (8, 2))
    kinds[0, 1] = kinds[1, 0] = 0  # each has a feature of its own: else the factors are not unique
    activation = np.einsum("kp,pij->kij", kinds, where).astype(np.float32)
    weights = random.uniform(0.1, 1, 8)
    head = lambda many: np.array([(weights[:, None, None] * a).sum() for a in many], "f")  # noqa: E731
    evidence = Evidence(activation=activation, head=head)
    sums = (weights @ kinds) * where.sum(axis=(1, 2))
    for part, own in enumerate(np.argsort(-sums), start=1):
        found = find_method("feature_factors").found(evidence, {"parts": 2, "part": part})
        wanted = (weights @ kinds[:, own]) * where[own]
        np.testing.assert_allclose(found.map, wanted, atol=0.02 * wanted.max())
        assert found.figures["explained"] > 0.999


def test_feature_factors_has_no_more_parts_than_it_makes():
    with pytest.raises(BadOption, match="part 5 of 4"):
        find_method("feature_factors")(known()[2], {"part": 5})


def test_feature_factors_of_nothing_are_nothing():
    evidence = Evidence(activation=np.zeros(SHAPE, np.float32), head=ToyHead(SHAPE))
    assert not find_method("feature_factors")(evidence).any()


@given(shape=shapes, seed=seeds, kind=st.sampled_from(["zero", "mean", "blur"]))
@few
def test_baselines_equal_their_oracle(shape, seed, kind):
    activation = known(shape, seed)[0]
    wanted = oracles.baseline_by_loops(activation, kind)
    np.testing.assert_allclose(baseline(activation, kind), wanted, atol=1e-5)


@given(shape=shapes, rows=st.integers(1, 13), columns=st.integers(1, 13), seed=seeds)
@few
def test_resizing_is_linear_between_centres_of_cells(shape, rows, columns, seed):
    from xai_heatmap.core.geometry import stretched

    values = known(shape, seed)[0]
    geometry = stretched((rows, columns), (rows, columns))
    wanted = [oracles.heat_by_loops(own, geometry) for own in values]
    np.testing.assert_allclose(resized(values, (rows, columns)), wanted, atol=1e-5)


MASKS = np.zeros((2, 16, 16), np.float32)
MASKS[0, :5], MASKS[1, 4:, 9:] = 1, 0.5
"""Two regions that overlap, one of which covers its places by half."""

OPTIONS = {
    ("ablationcam", "fill"): "mean",
    ("ablationcam", "relu"): False,
    ("feature_factors", "part"): 2,
    ("feature_factors", "parts"): 2,
    ("feature_factors", "seed"): 1,
    ("fem", "sigmas"): 0.5,
    ("fullgrad", "signed"): True,
    ("gradcam", "relu"): False,
    ("groupcam", "groups"): 1,
    ("groupcam", "hidden"): 0.2,
    ("guided_ig", "anchors"): 1,
    ("guided_ig", "baseline"): "blur",
    ("guided_ig", "share"): 0.5,
    ("guided_ig", "steps"): 9,
    ("hsic", "cells"): 3,
    ("hsic", "fill"): "mean",
    ("hsic", "samples"): 60,
    ("hsic", "seed"): 1,
    ("integrated", "baseline"): "mean",
    ("integrated", "steps"): 1,
    ("integrated_gradients", "baseline"): "blur",
    ("integrated_gradients", "steps"): 1,
    ("iscam", "steps"): 2,
    ("iscam", "top"): 1,
    ("kpcacam", "gamma"): 5.0,
    ("layercam", "scale"): True,
    ("layercam_fused", "gamma"): 0.5,
    ("liftcam", "relu"): False,
    ("occlusion", "fill"): "mean",
    ("occlusion", "stride"): 2,
    ("occlusion", "window"): 3,
    ("reciprocam", "gaussian"): False,
    ("refinecam", "floor"): 0.5,
    ("rise", "cells"): 2,
    ("rise", "samples"): 60,
    ("rise", "seed"): 1,
    ("rise", "stable"): 0.01,
    ("rise", "visible"): 0.2,
    ("scorecam", "negative"): True,
    ("scorecam", "softmax"): True,
    ("scorecam", "top"): 1,
    ("shapleycam", "relu"): False,
    ("smooth_gradcam_pp", "noise"): 0.5,
    ("smooth_gradcam_pp", "samples"): 3,
    ("smooth_gradcam_pp", "seed"): 1,
    ("sobol", "cells"): 3,
    ("sobol", "fill"): "mean",
    ("sobol", "samples"): 8,
    ("sobol", "seed"): 1,
    ("sscam", "noise"): 0.9,
    ("sscam", "samples"): 3,
    ("sscam", "seed"): 1,
    ("sscam", "top"): 1,
    ("smoothgrad", "noise"): 0.5,
    ("smoothgrad", "samples"): 3,
    ("smoothgrad", "seed"): 1,
    ("vargrad", "noise"): 0.5,
    ("vargrad", "samples"): 3,
    ("vargrad", "seed"): 1,
    ("xgradcam", "relu"): False,
    ("guided_ig", "channels"): "each",
    ("input_x_gradient", "channels"): "each",
    ("integrated_gradients", "channels"): "each",
    ("occlusion", "channels"): "each",
    ("saliency", "channels"): "each",
    ("smoothgrad", "channels"): "each",
    ("vargrad", "channels"): "each",
    ("gradient", "channels"): "each",
    ("occlusion", "regions"): MASKS,
    ("rise", "regions"): MASKS,
    ("sobol", "regions"): MASKS,
    ("hsic", "regions"): MASKS,
    ("xrai", "regions"): MASKS,
    ("rise", "fill"): "mean",
    ("xrai", "steps"): 1,
}
"""Of every option of every method a value beside its default."""


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_no_option_is_ignored(name, option):
    evidence = everything((3, 16, 16))
    cheap = {"samples": 200} if name == "rise" else {}
    plain = find_method(name)(evidence, cheap)
    options = {**cheap, **find_method(name).checked({option: OPTIONS[name, option]})}
    assert np.abs(find_method(name)(evidence, options) - plain).max() > 1e-4 * np.abs(plain).max()


def test_every_option_is_tried():
    assert set(OPTIONS) == {(m.name, option) for m in METHODS.values() for option in m.options}


def everything(shape):
    """Evidence of all kinds, picture and layer on one grid."""
    activation, head, _ = known(shape)
    gradient = head.slope(activation).astype(np.float32)
    coarse = [
        a[(slice(None), *[slice(None, None, 2)] * (a.ndim - 1))] for a in (activation, gradient)
    ]
    fine = [np.kron(a, np.ones((1, *[2] * (a.ndim - 1)), "f")) for a in (activation, gradient)]
    tokens = 1 + int(np.prod(shape[1:]))
    weights, slopes = np.random.default_rng(1).random((2, 2, 3, tokens, tokens), np.float32)
    read = np.eye(tokens, dtype=np.float32)[0]
    return Evidence(
        attentions=Attentions([*weights], [*slopes], read, shape[1:]),
        balanced=gradient,
        image=activation,
        activation=activation,
        gradient=gradient,
        secant=Multipliers(gradient, before=0.0, after=head.score(activation)),
        score=head.score(activation),
        head=head,
        model=ToyHead(shape, seed=2),  # some feature maps alone raise its score, others lower it
        biases=[np.reshape([1, -2], (2, *[1] * (len(shape) - 1))).astype(np.float32)],
        again=reopened(head, []),
        pyramid=[Level(activation, gradient), Level(*coarse)],
        stages=[Level(activation, gradient), Level(*fine)],
    )


@pytest.mark.parametrize("name", [name for name in METHODS if name != "cam"])
@pytest.mark.parametrize("shape", [(3, 18), (3, 4, 5, 6)])
def test_signals_and_volumes_have_maps_too(name, shape):
    options = {"rise": {"samples": 60}, "fem": {"sigmas": 1.0}}.get(name, {})
    found = find_method(name)(everything(shape), options)
    assert found.shape == shape[1:]
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.any()


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("cam", "rise")])
def test_a_signal_is_a_picture_of_one_row(name):
    options = {"gaussian": False} if name == "reciprocam" else {}
    signal = everything((3, 18))
    row = Evidence(
        image=signal.image[:, None],
        activation=signal.activation[:, None],
        gradient=signal.gradient[:, None],
        secant=replace(signal.secant, slopes=signal.secant.slopes[:, None]),
        attentions=replace(signal.attentions, grid=(1, *signal.attentions.grid)),
        balanced=signal.balanced[:, None],
        score=signal.score,
        head=Flat(signal.head),
        model=Flat(signal.model),
        biases=[own[:, None] for own in signal.biases],
        again=lambda pictures, needs: (
            Evidence(activation=own.activation[:, None], gradient=own.gradient[:, None])
            for own in signal.again((x[:, 0] for x in pictures), needs)
        ),
        pyramid=[Level(own.activation[:, None], own.gradient[:, None]) for own in signal.pyramid],
        stages=[Level(own.activation[:, None], own.gradient[:, None]) for own in signal.stages],
    )
    found, wanted = find_method(name)(row, options)[0], find_method(name)(signal, options)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


class Flat:
    """A head of signals that takes pictures of one row."""

    def __init__(self, head):
        self.head = head

    def __call__(self, activations):
        return self.head(a[:, 0] for a in activations)

    def gradients(self, activations):
        for value, gradient in self.head.gradients(a[:, 0] for a in activations):
            yield value, gradient[:, None]
