"""Lists, dicts and hooks that a model fills while it runs are as they were, on every backend."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.networks.opening.unchanged import unchanged
from xai_heatmap.testing import conformance

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402


class Noting(nn.Module):
    """Hooks a part of its own in its first call, notes that, and reads what the hook collects."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 5, 3), nn.Linear(5, conformance.CLASSES)
        self.log, self.cache, self.kinds = [], {}, set()

    def forward(self, x):
        if not getattr(self, "hooked", False):
            self.conv.register_forward_hook(lambda *_: self.log.append("ran"))
            self.hooked = True
        before = len(self.log)
        features = self.conv(x).relu()
        assert len(self.log) == before + 1, "the part is hooked once"
        self.cache["last"] = features
        self.kinds.add(str(x.dtype))
        return self.fc(features.mean((2, 3)))


def facts(model):
    return len(model.log), dict(model.cache), set(model.kinds), len(model.conv._forward_hooks)


@pytest.mark.parametrize("method", ["gradcam", "ablationcam", "scorecam", "smooth:gradcam"])
def test_what_a_model_fills_is_emptied_again(method):
    torch.manual_seed(0)
    model = Noting().eval()
    before = facts(model)
    found = xh.maps(xh.network(model), conformance.images(), method=method, layer="conv")
    assert facts(model) == before
    assert not hasattr(model, "hooked")
    assert np.abs(found).max() > 0


def test_what_its_owner_put_there_stays():
    torch.manual_seed(0)
    model = Noting().eval()
    model(torch.zeros(1, 3, 8, 8))
    kept, seen = model.cache["last"], facts(model)
    for _ in range(7):
        xh.maps(xh.network(model), conformance.images())
    assert facts(model)[0] == seen[0] == 1
    assert facts(model)[3] == 1
    assert model.cache["last"] is kept
    assert model.hooked


class Holder:
    def __init__(self, **attributes):
        vars(self).update(attributes)


@pytest.mark.parametrize(
    ("held", "write"),
    [
        ([(1, 2)], lambda own: own.__setitem__(slice(None), [1, 2])),
        ([1, 2], lambda own: own.reverse()),
        ([1], lambda own: own.append(1)),
        ({"a": 1, "b": 2}, lambda own: own.update(b=own.pop("a"), a=own.pop("b"))),
        ({"a": 1, "b": 2}, lambda own: own.__setitem__("a", own.pop("a"))),
        ({"a": None}, lambda own: own.clear()),
        ({1, 2}, lambda own: own.discard(1)),
    ],
)
def test_what_is_held_is_held_again_in_its_order(held, write):
    holder, wanted = Holder(held=held), list(held.items() if isinstance(held, dict) else held)
    with unchanged([holder]) as moved:
        write(holder.held)
    assert holder.held is held
    assert list(held.items() if isinstance(held, dict) else held) == wanted
    assert moved
