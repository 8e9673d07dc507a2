"""PyTorch passes what every backend has to pass, and what only it can get wrong."""

import gc
import warnings
import weakref

import numpy as np
import pytest

from xai_heatmap.testing import conformance

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from held_memory import assert_memory_is_flat  # noqa: E402
from xai_heatmap.core.errors import (  # noqa: E402
    BadArray,
    LayerNotReached,
    ModelError,
    NoScores,
    NotAModel,
)
from xai_heatmap.testing.kits.torch_kit import Failing, Plain, TorchKit  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
def test_conforms(check):
    check(TorchKit())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_caller_inside_no_grad_or_inference_mode_gets_gradients(mode):
    with mode():
        conformance.opening.plain_network_opens(TorchKit())


def test_weights_made_in_inference_mode_are_no_obstacle():
    with torch.inference_mode():
        case = TorchKit().plain()
    recording = conformance.network(case.model).record(conformance.images(), [case.layer])
    gradient = recording.pullback(np.ones((2, conformance.CLASSES), np.float32))[case.layer]
    assert np.abs(gradient).max() > 0


def test_user_hooks_fire_and_gradients_stay():
    case = TorchKit().plain()
    model = case.model
    model(torch.randn(1, *conformance.SHAPE)).sum().backward()
    kept = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    fired = []
    model.relu.register_forward_hook(lambda *_: fired.append(1))
    recording = conformance.network(model).record(conformance.images(), [case.layer])
    recording.pullback(np.ones((2, conformance.CLASSES), np.float32))
    assert fired
    assert all(torch.equal(weight.grad, kept[name]) for name, weight in model.named_parameters())


def test_mixed_training_flags_come_back_one_by_one():
    model = Plain().train()
    model.relu.eval()
    conformance.network(model).record(conformance.images(), ["conv"])
    assert (model.training, model.conv.training, model.relu.training) == (True, True, False)


def test_a_forward_that_the_user_put_on_an_instance_stays():
    model = Plain()
    own = model.conv.forward
    model.conv.forward = lambda x: own(x) * 2
    mine = model.conv.forward
    recording = conformance.network(model).record(conformance.images(), ["conv"])
    assert model.conv.forward is mine
    plain = conformance.network(Plain())
    assert plain is not None
    with torch.no_grad():
        expected = 2 * own(torch.from_numpy(conformance.images())).numpy()
    np.testing.assert_allclose(recording.activations["conv"], expected, atol=1e-6)


def test_parts_put_in_later_are_seen():
    model = Plain()
    opened = conformance.network(model)
    opened.record(conformance.images(), ["conv"])
    model.conv = nn.Conv2d(3, 5, 3).train()
    recording = opened.record(conformance.images(), ["conv"])
    with torch.no_grad():
        expected = model.conv(torch.from_numpy(conformance.images())).numpy()
    np.testing.assert_allclose(recording.activations["conv"], expected, atol=1e-6)
    assert model.conv.training


def test_wrappers_are_looked_through():
    plain = Plain().eval()
    wrapped = nn.DataParallel(plain)
    assert list(conformance.network(wrapped).layers) == list(conformance.network(plain).layers)
    compiled = torch.compile(plain, backend="eager")
    assert list(conformance.network(compiled).layers) == list(conformance.network(plain).layers)


def test_torchscript_is_refused_with_what_to_do():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.trace(Plain().eval(), torch.zeros(1, *conformance.SHAPE))
    with pytest.raises(NotAModel, match="eager"):
        xh.network(scripted)


@pytest.mark.slow
def test_a_dropped_model_is_freed_with_all_that_was_learnt_of_it():
    case = TorchKit().plain()
    model = case.model
    conformance.network(model).record(conformance.images(), [case.layer])
    gone = weakref.ref(model)
    del model, case
    gc.collect()
    assert gone() is None


def test_a_dropped_recording_is_freed_without_the_collector():
    case = TorchKit().plain()
    recording = conformance.network(case.model).record(conformance.images(), [case.layer])
    recording.pullback(np.ones((2, conformance.CLASSES), np.float32))
    gone = weakref.ref(recording)
    gc.disable()
    try:
        del recording
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_memory_stays_flat_over_many_images():
    case = TorchKit().plain()
    opened = conformance.network(case.model)
    assert_memory_is_flat(opened)


def test_stages_of_a_container_share_one_gradient():
    case = TorchKit().nested()
    opened = conformance.network(case.model)
    recording = opened.record(conformance.images(), ["0", "0.1"])
    assert recording.activations["0"] is recording.activations["0.1"]
    seen = []
    recording.each_gradient(
        np.ones((2, conformance.CLASSES), np.float32), lambda names, _: seen.append(list(names))
    )
    assert seen == [["0.1", "0"]] or seen == [["0", "0.1"]]


def test_transformer_encoder_layers_speak_although_torch_would_fuse_them():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 8, 2, 2)
            self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.fc = nn.Linear(8, 4)

        def forward(self, x):
            return self.fc(self.encoder(self.embed(x).flatten(2).transpose(1, 2)).mean(1))

    opened = conformance.network(Encoder())
    name = next(n for n in opened.layers if n.endswith("linear2"))
    before = torch.backends.mha.get_fastpath_enabled()
    assert opened.record(conformance.images(), [name]).activations[name].shape == (2, 8, 4, 4)
    assert torch.backends.mha.get_fastpath_enabled() == before


def test_float64_and_gradient_of_a_frozen_float16_model_are_finite():
    for dtype in (torch.float64, torch.float16):
        model = Plain().to(dtype)
        recording = conformance.network(model).record(conformance.images(), ["conv"])
        assert recording.activations["conv"].dtype == np.float32
        assert np.isfinite(recording.pullback(np.ones((2, 4), np.float32))["conv"]).all()


@pytest.mark.slow
def test_failing_model_keeps_failing_after_it_was_watched():
    model = Failing()
    model.broken = True
    with pytest.raises(ModelError, match="ZeroDivisionError"):
        conformance.network(model).layers  # noqa: B018 - listing runs the model
    assert "forward" not in vars(model.conv)


class Squeezed(Plain):
    def answer(self, logits):
        return torch.sigmoid(logits).squeeze(1)


def test_a_sigmoid_that_is_squeezed_is_still_left_out():
    model = Squeezed(1)
    opened = conformance.network(model)
    assert opened.closing == "sigmoid"
    recording = opened.record(conformance.images(), ["conv"])
    assert recording.scores.shape == (2, 1)
    plain = Plain(1)
    plain.load_state_dict(model.state_dict())
    expected = conformance.network(plain).record(conformance.images()).scores
    np.testing.assert_allclose(recording.scores, expected, atol=1e-6)


def test_a_squeezed_picture_axis_is_put_back():
    class Bare(Plain):
        def answer(self, logits):
            return logits.squeeze()

    opened = conformance.network(Bare())
    assert opened.record(conformance.images(1)).scores.shape == (1, conformance.CLASSES)
    assert conformance.network(Bare(1)).record(conformance.images(1)).scores.shape == (1, 1)


def test_more_rows_than_pictures_are_refused():
    class Doubled(Plain):
        def answer(self, logits):
            return torch.cat([logits, logits])

    with pytest.raises(NoScores, match="for 2 pictures"):
        conformance.network(Doubled()).record(conformance.images())


def test_a_sigmoid_that_also_runs_inside_is_left_out_at_the_end_alone():
    class Gated(Plain):
        def __init__(self):
            super().__init__()
            self.act = nn.Sigmoid()

        def forward(self, x):
            return self.act(self.fc(self.act(self.conv(x)).mean((2, 3))))

    model = Gated()
    opened = conformance.network(model)
    assert opened.closing == "sigmoid"
    x = conformance.images()
    with torch.no_grad():
        gated = torch.sigmoid(model.conv(torch.from_numpy(x))).mean((2, 3))
        expected = model.fc(gated).numpy()
    np.testing.assert_allclose(opened.record(x).scores, expected, atol=1e-6)


def test_parts_of_another_shape_are_surveyed_again():
    model = Plain()
    assert conformance.network(model).layers["conv"].grid == (6, 6)
    model.conv = nn.Conv2d(3, 5, 3, padding=1)
    assert conformance.network(model).layers["conv"].grid == (8, 8)


def test_a_model_that_writes_into_its_input_gets_a_copy():
    class Greedy(Plain):
        def forward(self, x):
            x -= 1
            return super().forward(x)

    opened = conformance.network(Greedy())
    x = conformance.images()
    before = x.copy()
    first = opened.record(x, ["conv"]).scores
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(opened.record(x, ["conv"]).scores, first)


def test_replaying_one_activation_does_not_write_into_memory():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 5, 3)
            self.branch = nn.Conv2d(5, 5, 3, padding=1)
            self.fc = nn.Linear(5, conformance.CLASSES)

        def forward(self, x):
            skip = self.stem(x)
            out = self.branch(skip)
            skip += out
            return self.fc(skip.mean((2, 3)))

    opened = conformance.network(Skip())
    recording = opened.record(conformance.images(), ["branch"])
    own = recording.activations["branch"][:1]
    for _ in range(3):
        again = recording.replay("branch", own, row=0).scores
        np.testing.assert_allclose(again, recording.scores[:1], atol=1e-5)


def test_a_layer_of_whole_numbers_does_not_break_the_others():
    class Bins(nn.Module):
        def forward(self, x):
            return (x > 0).long()

    class Counted(Plain):
        def __init__(self):
            super().__init__()
            self.bins = Bins()

        def forward(self, x):
            a = self.conv(x)
            bins = self.bins(a)
            return self.fc((self.relu(a) * bins).mean((2, 3)))

    opened = conformance.network(Counted())
    recording = opened.record(conformance.images(), "all")
    gradients = recording.pullback(np.ones((2, conformance.CLASSES), np.float32))
    assert np.abs(gradients["conv"]).max() > 0
    assert not gradients["bins"].any()


def test_a_model_that_moved_to_another_precision_is_followed():
    model = Plain()
    opened = conformance.network(model)
    opened.record(conformance.images(), ["conv"])
    model.double()
    assert np.isfinite(opened.record(conformance.images(), ["conv"]).scores).all()


def test_attention_weights_are_no_picture():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Conv2d(3, 8, 2, 2)
            self.norm = nn.LayerNorm(8)
            self.softmax = nn.Softmax(-1)
            self.fc = nn.Linear(8, 4)

        def forward(self, x):
            t = self.norm(self.embed(x).flatten(2).transpose(1, 2))
            weights = self.softmax(t[:, None] @ t[:, None].transpose(-1, -2))
            return self.fc((weights[:, 0] @ t).mean(1))

    layers = conformance.network(Attention()).layers
    assert layers["norm"].grid == (4, 4)
    assert layers["softmax"].grid is None


def test_a_network_of_one_picture_at_a_time_is_given_one_and_says_so():
    class Alone(Plain):
        def tail(self, a):
            return self.fc(torch.relu(a).mean((2, 3)).view(1, 5))

        def forward(self, x):
            return self.tail(self.conv(x))

    model = Alone()
    with pytest.warns(UserWarning, match="one picture at a time"):
        recording = conformance.network(model).record(conformance.images(), ["conv"])
    own = [conformance.network(model).record(one[None]).scores for one in conformance.images()]
    np.testing.assert_allclose(recording.scores, np.concatenate(own), atol=1e-6)


def test_a_layer_that_some_pictures_pass_by_is_refused_in_words():
    class Picky(Plain):
        def forward(self, x):
            chosen = x.mean((1, 2, 3)) > -1
            scores = x.new_zeros(len(x), conformance.CLASSES)
            scores[chosen] = self.tail(self.conv(x[chosen]))
            return scores

    opened = conformance.network(Picky())
    x = conformance.images(2)
    assert opened.record(x, ["conv"]).scores.shape == (2, conformance.CLASSES)
    with pytest.raises(LayerNotReached, match="1 of 2 pictures"):
        opened.record(x - np.float32([[[[0]]], [[[9]]]]), ["conv"])


@pytest.mark.slow
def test_a_batch_without_its_axis_of_images_is_asked_for_it():
    with pytest.raises(BadArray, match=r"x\[None\]"):
        xh.maps(xh.network(TorchKit().plain().model), conformance.images(1)[0])
