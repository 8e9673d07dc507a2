"""Of a network's softmaxes those count that see the picture and reach the scores."""

import numpy as np
import pytest

from xai_heatmap.testing import conformance

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoAttention  # noqa: E402

METHODS = ("attention_relevance", "rollout")


class Backwards(torch.autograd.Function):
    """Counts the backward passes that go through."""

    passes = 0

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        Backwards.passes += 1
        return gradient


class Tower(nn.Module):
    """16 patches, two blocks, and a head that takes the mean, the first token or pools.

    Beside them may run what does not count: a block whose answer nobody reads, a pooling that
    nobody reads, or attention among words that are held.
    """

    def __init__(self, head="mean", beside=""):
        super().__init__()
        torch.manual_seed(0)
        self.patch = nn.Conv2d(3, 8, 2, 2)
        self.one, self.two, self.more, self.words = (
            nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(4)
        )
        self.pool = nn.MultiheadAttention(8, 2, batch_first=True)
        self.query = nn.Parameter(torch.randn(1, 1, 8))
        self.fc = nn.Linear(8, conformance.CLASSES)
        self.head, self.beside = head, beside

    def forward(self, x, words=None):
        z = self.patch(x).flatten(2).transpose(1, 2)
        for block in (self.one, self.two):
            z = z + block(z, z, z, need_weights=False)[0]
            if self.beside == "block":
                self.more(z, z, z, need_weights=False)
            if self.beside == "pooling":
                query = self.query.expand(len(z), -1, -1)
                self.more(query, z, z, need_weights=False)
        pooled = z.mean(1) if self.head == "mean" else z[:, 0]
        if self.head == "pool":
            query = self.query.expand(len(z), -1, -1)
            pooled = self.pool(query, z, z, need_weights=False)[0][:, 0]
        if words is not None:
            pooled = pooled + self.words(words, words, words)[0].mean((0, 1))
        return Backwards.apply(self.fc(pooled))


def maps(model, method, target=1, **options):
    opened = conformance.network(model, **options)
    return xh.maps(opened, conformance.images(2), method=method, target=target)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("head", ["mean", "first", "pool"])
@pytest.mark.parametrize("beside", ["block", "pooling"])
def test_what_nobody_reads_does_not_count(method, head, beside):
    found = maps(Tower(head, beside).eval(), method)
    np.testing.assert_allclose(found, maps(Tower(head).eval(), method), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("words", [(1, 3, 8), (1, 16, 8), (5, 4, 8)])
def test_attention_among_what_is_held_does_not_count(method, words):
    held = {"words": xh.whole(np.random.default_rng(0).normal(size=words).astype("f4"))}
    found = maps(Tower().eval(), method, held=held, picture="x")
    np.testing.assert_allclose(found, maps(Tower().eval(), method), atol=1e-6)


def test_pooling_at_the_end_is_the_row_that_is_read():
    model = Tower("pool").eval()
    found = maps(model, "rollout")
    with torch.no_grad():
        z = model.patch(torch.from_numpy(conformance.images(2))).flatten(2).transpose(1, 2)
        flow = torch.eye(16)[None].repeat(2, 1, 1)
        for block in (model.one, model.two):
            more, weights = block(z, z, z)
            z, flow = z + more, (torch.eye(16) + weights) / 2 @ flow
        query = model.query.expand(2, -1, -1)
        flow = model.pool(query, z, z)[1] @ flow
    np.testing.assert_allclose(found.reshape(2, 16), flow[:, 0].numpy(), atol=1e-5)


class Joined(nn.Module):
    """16 patches, a class token before one of them, and two blocks."""

    def __init__(self, at):
        super().__init__()
        torch.manual_seed(0)
        self.patch, self.at = nn.Conv2d(3, 8, 2, 2), at
        self.token, self.norm = nn.Parameter(torch.randn(1, 1, 8)), nn.LayerNorm(8)
        self.blocks = nn.ModuleList(nn.MultiheadAttention(8, 2, batch_first=True) for _ in "ab")
        self.fc = nn.Linear(8, conformance.CLASSES)

    def joined(self, x):
        z = self.patch(x).flatten(2).transpose(1, 2)
        z = torch.cat([z[:, : self.at], self.token.expand(z.shape[0], -1, -1), z[:, self.at :]], 1)
        return self.norm(z)

    def forward(self, x):
        z = self.joined(x)
        for block in self.blocks:
            z = z + block(z, z, z, need_weights=False)[0]
        return self.fc(z[:, self.at])


@pytest.mark.parametrize("at", [0, 16])
def test_a_class_token_is_read_at_either_end(at):
    model = Joined(at).eval()
    found = maps(model, "rollout")
    with torch.no_grad():
        z = model.joined(torch.from_numpy(conformance.images(2)))
        flow = torch.eye(17)[None].repeat(2, 1, 1)
        for block in model.blocks:
            more, weights = block(z, z, z)
            z, flow = z + more, (torch.eye(17) + weights) / 2 @ flow
    wanted = np.delete(flow[:, at].numpy(), at, axis=1)
    np.testing.assert_allclose(found.reshape(2, 16), wanted, atol=1e-5)
    relevance = maps(model, "attention_relevance")
    assert relevance.shape == found.shape
    assert relevance.max() > 0


@pytest.mark.parametrize("method", METHODS)
def test_a_class_token_among_the_patches_is_refused(method):
    with pytest.raises(NoAttention, match=r"lie as the patches do are needed.*layer 'norm'"):
        maps(Joined(8).eval(), method)


@pytest.mark.slow
def test_relevance_of_a_pooling_query_is_another_for_each_class():
    one, other = (maps(Tower("pool").eval(), "attention_relevance", target=t) for t in (0, 1))
    assert one.shape == (2, 4, 4)
    assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["mean", "first", "pool"])
def test_rollout_pays_for_no_backward_pass(head):
    network = conformance.network(Tower(head).eval())
    x = conformance.images(2)
    xh.maps(network, x, method="rollout", target=1)
    for method, passes in (("rollout", 0), ("attention_relevance", 1), ("rollout", 0)):
        Backwards.passes = 0
        xh.maps(network, conformance.images(2, seed=7), method=method, target=1)
        assert Backwards.passes == passes, method


@pytest.mark.slow
def test_which_rows_are_read_is_learnt_for_each_question():
    class OneTokenAClass(Tower):
        def forward(self, x):
            z = self.patch(x).flatten(2).transpose(1, 2)
            z = z + self.one(z, z, z, need_weights=False)[0]
            return z[:, : conformance.CLASSES].sum(2)

    network, x = conformance.network(OneTokenAClass().eval()), conformance.images(1)
    for _ in range(2):
        found = [xh.maps(network, x, method="rollout", target=t)[0].ravel() for t in range(4)]
        assert [own.argmax() for own in found] == [0, 1, 2, 3], "its own token, half of it"
