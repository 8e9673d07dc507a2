"""Formulas of attention, against their oracles on random matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xai_heatmap.methods  # noqa: F401 - registers them
from xai_heatmap.core.attention import Attentions, Block, attentions, blocks
from xai_heatmap.core.errors import NoAttention
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.registry import find_method
from xai_heatmap.testing import oracles

settled = settings(max_examples=30, deadline=None, derandomize=True)
drawn = {
    "depth": st.integers(1, 4),
    "heads": st.integers(1, 3),
    "prefix": st.integers(0, 3),
    "grid": st.tuples(st.integers(1, 3), st.integers(1, 4)),
    "seed": st.integers(0, 10_000),
}


def seen(depth, heads, prefix, grid, seed):
    random = np.random.default_rng(seed)
    tokens = prefix + grid[0] * grid[1]
    raw = random.random((depth, heads, tokens, tokens)) + 0.01
    weights = (raw / raw.sum(axis=-1, keepdims=True)).astype(np.float32)
    gradients = random.normal(size=weights.shape).astype(np.float32)
    rows = random.permutation(tokens)[: random.integers(1, tokens + 1)]
    read = np.zeros(tokens, np.float32)
    read[rows] = 1 / len(rows)
    return Attentions([*weights], [*gradients], read, grid)


@pytest.mark.slow
@given(**drawn)
@settled
def test_rollout_equals_the_papers_recursion(depth, heads, prefix, grid, seed):
    own = seen(depth, heads, prefix, grid, seed)
    wanted = oracles.rollout_by_loops(own.weights, own.read, grid[0] * grid[1]).reshape(grid)
    found = find_method("rollout")(Evidence(attentions=own))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@given(**drawn)
@settled
def test_attention_relevance_equals_the_papers_recursion(depth, heads, prefix, grid, seed):
    own = seen(depth, heads, prefix, grid, seed)
    places = grid[0] * grid[1]
    wanted = oracles.attention_relevance_by_loops(own.weights, own.gradients, own.read, places)
    found = find_method("attention_relevance")(Evidence(attentions=own))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted.reshape(grid), atol=1e-5 * np.abs(wanted).max())


@given(shape=st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6)), seed=st.integers())
@settled
def test_libragrad_equals_the_sum_of_contributions(shape, seed):
    activation, balanced = (
        np.random.default_rng(abs(seed)).normal(size=(2, *shape)).astype(np.float32)
    )
    wanted = oracles.hirescam_by_loops(activation, balanced)
    found = find_method("libragrad")(Evidence(activation=activation, balanced=balanced))
    np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))


@given(**drawn)
@settled
def test_rollout_of_all_columns_sums_to_one(depth, heads, prefix, grid, seed):
    own = seen(depth, heads, 0, grid, seed)
    found = find_method("rollout")(Evidence(attentions=own))
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_nothing_that_the_score_depends_on_is_no_relevance():
    own = seen(3, 2, 1, (2, 3), 0)
    still = Attentions(own.weights, [0 * g for g in own.gradients], own.read, own.grid)
    assert not find_method("attention_relevance")(Evidence(attentions=still)).any()


# ---- which tokens the network reads


def one_block(rows, tokens=7, images=2):
    """A block of which only these rows carry gradient."""
    weights = np.full((images, 2, tokens, tokens), 1 / tokens, np.float32)
    gradients = np.zeros_like(weights)
    gradients[:, :, rows] = 1
    return [Block(weights, gradients)]


@pytest.mark.parametrize(
    ("rows", "grid", "read"),
    [
        ([0], (2, 3), [0]),
        ([0, 1], (1, 5), [0, 1]),  # class and distillation token
        ([1, 2, 3, 4, 5, 6], (2, 3), [1, 2, 3, 4, 5, 6]),  # a class token that nobody reads
        ([0, 1, 2, 3, 4, 5, 6], (2, 3), [0]),  # class token beside the mean
        (list(range(7)), (1, 7), list(range(7))),
        ([], (2, 3), [0]),
        ([], (1, 7), list(range(7))),
    ],
)
def test_rows_that_carry_gradient_are_read(rows, grid, read):
    found = attentions(one_block(rows), 1, layer="block", grid=grid)
    np.testing.assert_array_equal(np.flatnonzero(found.read), read)
    assert found.read.sum() == pytest.approx(1)


@pytest.mark.parametrize("grid", [(14, 14), (2, 4), (1, 1), (8,)])
def test_a_layer_on_another_grid_is_refused(grid):
    tokens = 25
    with pytest.raises(NoAttention, match="25 tokens"):
        attentions(one_block([0], tokens), 0, layer="stem", grid=grid)


# ---- which softmaxes are attention


def softmaxed(*shape):
    raw = np.exp(np.random.default_rng(0).normal(size=shape))
    return (raw / raw.sum(axis=-1, keepdims=True)).astype(np.float32)


def found_in(*weights):
    return blocks(weights, [2 * own for own in weights], images=2, name="net")


def test_heads_may_be_folded_into_the_images():
    apart, folded = softmaxed(2, 3, 5, 5), softmaxed(2, 3, 5, 5).reshape(6, 5, 5)
    found = found_in(apart, folded)
    np.testing.assert_array_equal(found[1].weights, apart)
    np.testing.assert_array_equal(found[1].gradients, 2 * apart)


def test_gates_and_a_closing_softmax_are_no_attention():
    over_maps = np.moveaxis(softmaxed(2, 5, 5, 4), -1, 1)
    assert len(found_in(softmaxed(2, 10), over_maps, softmaxed(2, 3, 5, 5))) == 1


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([softmaxed(8, 3, 4, 4)], "within windows"),
        ([softmaxed(2, 3, 16, 4)], "from many tokens to fewer"),
        ([softmaxed(2, 3, 1, 16), softmaxed(2, 3, 16, 16)], "fewer"),
        ([softmaxed(2, 3, 16, 16), softmaxed(2, 3, 4, 4)], "fewer"),
        ([softmaxed(2, 10)], "no transformer blocks"),
        ([], "no transformer blocks"),
    ],
)
def test_what_is_not_among_all_tokens_is_refused(weights, said):
    with pytest.raises(NoAttention, match=said) as caught:
        found_in(*weights)
    assert "gradcam" in str(caught.value), "methods that work are named"


# ---- queries that pool the tokens


def test_a_query_that_pools_is_the_last_step():
    rng = np.random.default_rng(3)
    weights = [softmaxed(2, 5, 5), softmaxed(2, 1, 5)]
    slopes = [rng.normal(size=own.shape).astype(np.float32) for own in weights]
    own = Attentions(weights, slopes, np.ones(1, np.float32), (1, 5))
    tokens, pooled = (np.maximum(a * g, 0).mean(0) for a, g in zip(weights, slopes, strict=True))
    relevance = [sum(pooled[0, i] * ((i == j) + tokens[i, j]) for i in range(5)) for j in range(5)]
    flow = [
        sum(weights[1].mean(0)[0, i] * ((i == j) + weights[0].mean(0)[i, j]) / 2 for i in range(5))
        for j in range(5)
    ]
    found = find_method("attention_relevance")(Evidence(attentions=own))
    np.testing.assert_allclose(found, [relevance], atol=1e-6)
    np.testing.assert_allclose(find_method("rollout")(Evidence(attentions=own)), [flow], atol=1e-6)


def test_rollout_reads_no_gradient_where_the_rows_are_known():
    def pulled():
        raise AssertionError("pulled")

    rows = np.zeros((2, 7), np.float32)
    rows[:, 0] = 1
    block = Block(np.full((2, 2, 7, 7), 1 / 7, np.float32), pulled, rows)
    own = attentions([block], 1, layer="block", grid=(2, 3))
    assert find_method("rollout")(Evidence(attentions=own)).shape == (2, 3)


def test_queries_pool_the_tokens_of_the_last_block_alone():
    square, pooling = softmaxed(2, 3, 5, 5), softmaxed(2, 3, 1, 5)
    assert [b.weights.shape[-2] for b in found_in(square, pooling)] == [5, 1]
    assert len(found_in(pooling)) == 1, "queries that pool a grid of features"
    for odd in ([pooling, square], [square, pooling, pooling], [square, softmaxed(2, 3, 1, 6)]):
        with pytest.raises(NoAttention, match="other tokens"):
            found_in(*odd)
