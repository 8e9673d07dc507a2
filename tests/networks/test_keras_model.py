"""Keras models of every kind, on whichever backend KERAS_BACKEND names."""

import gc
import resource
import weakref
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import layers, ops  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import (  # noqa: E402
    BadOption,
    LayerNotReached,
    NoGrid,
    NoScores,
)
from xai_heatmap.networks.keras.model import open_keras  # noqa: E402
from xai_heatmap.networks.opening import compile_cache  # noqa: E402

pytestmark = [
    # keras's torch variables, fixed for the numpy of tomorrow by keras itself
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`build:UserWarning"),
]
BACKEND = keras.backend.backend()
SHAPE = (3, 12, 10)


@pytest.fixture(autouse=True)
def _fresh():
    keras.utils.set_random_seed(0)
    keras.backend.clear_session()


def images(count=2, shape=SHAPE):
    return np.random.default_rng(1).normal(size=(count, *shape)).astype(np.float32)


def functional(closing="softmax", classes=4):
    """One residual branch, one nested model, and a dense end."""
    image = keras.Input((12, 10, 3))
    first = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(image)
    branch = layers.Conv2D(5, 3, padding="same", name="branch")(first)
    branch = layers.BatchNormalization(name="norm")(branch)
    joined = layers.Add(name="joined")([first, branch])
    inner_in = keras.Input((12, 10, 5))
    inner_out = layers.Conv2D(6, 3, strides=2, name="conv")(inner_in)
    inner_out = layers.ReLU(name="relu")(inner_out)
    joined = keras.Model(inner_in, inner_out, name="inner")(joined)
    pooled = layers.GlobalAveragePooling2D(name="pool")(joined)
    scores = layers.Dense(classes, activation=closing, name="end")(layers.Dropout(0.5)(pooled))
    return keras.Model(image, scores, name="small")


def logits_model(model):
    """The same weights without the closing function, by Keras's own means."""
    twin = functional(None, model.output_shape[-1])
    twin.set_weights(model.get_weights())
    return twin


def gradient(function, at):
    """∂ sum(function)/∂at by the framework's own plain differentiation."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        start = tf.constant(at)
        with tf.GradientTape() as tape:
            tape.watch(start)
            value = tf.reduce_sum(function(start))
        return tape.gradient(value, start).numpy()
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: function(x).sum())(at))
    import torch

    start = torch.tensor(at, requires_grad=True)
    return torch.autograd.grad(function(start).sum(), start)[0].numpy()


def first(array):
    return np.moveaxis(array, -1, 1)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def close(a, b, tolerance=1e-4):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1e-3, np.abs(b).max()))


def one(scores, index=1):
    cotangent = np.zeros_like(scores)
    cotangent[:, index] = 1
    return cotangent


class Convolutional(keras.Model):
    """A subclassed model whose call can be told anything."""

    calls = 0  # of all models of this class: a model's own counter is put back after a pass

    def __init__(self, end=None):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, name="conv")
        self.act = layers.ReLU(name="relu")
        self.second = layers.Conv2D(4, 3, name="second")
        self.dense = layers.Dense(3, name="dense")
        self.end = end or (lambda scores: scores)

    def call(self, x):
        Convolutional.calls += 1
        x = self.act(self.conv(x))
        x = self.act(self.second(x))
        return self.end(self.dense(ops.mean(x, axis=(1, 2))))


def built(model, shape=SHAPE):
    model(np.zeros((1, *shape[1:], shape[0]), np.float32))
    return model


def test_layers_have_paths_shapes_and_the_order_in_which_they_run():
    network = open_keras(functional())
    names = list(network.layers)
    assert names == [
        "input", "first", "branch", "norm", "joined", "inner/conv", "inner/relu", "inner", "pool",
        "dropout", "end",
    ]  # fmt: skip
    assert network.layers["inner/conv"].shape == (6, 5, 4)
    assert network.layers["pool"].grid is None
    assert network.declared.input_shape == SHAPE
    assert network.survey(SHAPE).auto == "inner"
    assert network.channels_last
    assert network.name == "small"


def test_scores_are_logits_and_the_activation_function_is_given_back():
    model = functional()
    x = images()
    recording = open_keras(model).record(x)
    close(recording.scores, numpy(logits_model(model)(np.moveaxis(x, 1, -1))))
    assert recording.meaning == "logits"
    assert model.layers[-1].activation is keras.activations.softmax


def test_every_layer_is_opened_and_pulled_back_in_one_pass():
    model = functional()
    twin = logits_model(model)
    x = images()
    names = ["first", "branch", "norm", "joined", "inner/conv", "inner/relu", "input"]
    recording = open_keras(model).record(x, names)
    found = recording.pullback(one(recording.scores))
    inner = twin.get_layer("inner")

    def behind_inner(a):
        return twin.get_layer("end")(ops.mean(a, axis=(1, 2)))[:, 1]

    def behind_joined(a):
        return behind_inner(inner(a))

    def behind_branch(a):
        return behind_joined(a + twin.get_layer("first")(np.moveaxis(x, 1, -1)))

    start = {name: np.moveaxis(a, 1, -1) for name, a in recording.activations.items()}
    close(found["inner/relu"], first(gradient(behind_inner, start["inner/relu"])))
    close(found["joined"], first(gradient(behind_joined, start["joined"])))
    close(found["norm"], first(gradient(behind_branch, start["norm"])))
    whole = gradient(lambda a: twin(a)[:, 1], start["input"])
    close(found["input"], first(whole))
    close(recording.activations["first"], first(numpy(twin.get_layer("first")(start["input"]))))
    assert {a.dtype for a in found.values()} == {np.dtype(np.float32)}


def test_a_batch_gives_what_its_images_give_alone():
    network = open_keras(functional())
    x = images(3)
    together = network.record(x, ["joined"])
    cotangent = one(together.scores)
    gradients = together.pullback(cotangent)["joined"]
    for row in range(3):
        alone = network.record(x[row : row + 1], ["joined"])
        close(alone.scores, together.scores[row : row + 1])
        close(alone.pullback(cotangent[:1])["joined"], gradients[row : row + 1])


def test_pullback_can_be_asked_again_and_is_linear():
    recording = open_keras(functional()).record(images(), ["first"])
    a, b = one(recording.scores, 0), one(recording.scores, 2)
    both = recording.pullback(a + 2 * b)["first"]
    close(recording.pullback(a)["first"] + 2 * recording.pullback(b)["first"], both)


def test_rows_of_the_cotangent_reach_only_their_own_image():
    recording = open_keras(functional()).record(images(), ["first"])
    cotangent = one(recording.scores)
    cotangent[0] = 0
    found = recording.pullback(cotangent)["first"]
    assert not found[0].any()
    assert found[1].any()


@pytest.mark.parametrize("layer", ["first", "branch", "joined", "inner/conv", "inner", "input"])
def test_the_head_replays_and_is_itself_differentiated(layer):
    network = open_keras(functional())
    recording = network.record(images(), [layer])
    own = recording.activations[layer][1:]
    changed = np.concatenate([own, own * 0.5, own + 1])
    replayed = recording.replay(layer, changed, row=1)
    assert not any(head.whole for head in network._state.heads.values())
    close(replayed.scores[:1], recording.scores[1:])
    assert np.abs(replayed.scores[1] - replayed.scores[0]).max() > 1e-6
    cotangent = one(replayed.scores)
    pulled = replayed.pullback(cotangent)[layer]
    close(pulled[:1], recording.pullback(one(recording.scores))[layer][1:])
    whole = network._engine.head(
        network._adapter,
        np.moveaxis(images()[1:], 1, -1),
        layer,
        network._view(SHAPE).sites[layer],
        network._view(SHAPE).undo,
        whole=True,
    )(np.ascontiguousarray(np.moveaxis(changed, 1, -1)))
    close(replayed.scores, whole.scores)
    close(pulled, first(whole.pullback(cotangent)[layer]))
    again = replayed.replay(layer, changed[1:2], row=0)
    close(again.scores, replayed.scores[1:2])


def test_a_sequential_model_with_and_without_a_known_input():
    def stack():
        return [
            layers.Conv2D(4, 3, name="conv"),
            layers.Flatten(),
            layers.Dense(3, name="dense"),
            layers.Activation("softmax"),
        ]

    known = keras.Sequential([keras.Input((12, 10, 3)), *stack()])
    unknown = keras.Sequential(stack())
    for model in (known, unknown):
        network = open_keras(model, image_shape=SHAPE)
        recording = network.record(images(), ["conv"])
        assert recording.activations["conv"].shape == (2, 4, 10, 8)
        assert network.closing == "softmax"
        assert recording.meaning == "logits"
        assert recording.scores.min() < 0
    assert open_keras(known).declared.input_shape == SHAPE
    assert open_keras(unknown).declared.input_shape == SHAPE


def test_a_layer_called_twice_has_one_name_a_call_and_the_bare_name_is_the_last():
    model = built(Convolutional())
    network = open_keras(model, image_shape=SHAPE)
    assert [n for n in network.layers if n.startswith("relu")] == ["relu#1", "relu#2"]
    recording = network.record(images(), ["relu#1", "relu#2", "second"])
    assert recording.activations["relu#1"].shape == (2, 4, 10, 8)
    assert recording.activations["relu#2"].shape == (2, 4, 8, 6)
    found = recording.pullback(one(recording.scores))

    def behind(a):
        x = model.act(model.second(a))
        return model.dense(ops.mean(x, axis=(1, 2)))[:, 1]

    start = np.moveaxis(recording.activations["relu#1"], 1, -1)
    close(found["relu#1"], first(gradient(behind, start)))
    close(recording.replay("relu#1", recording.activations["relu#1"][:1], row=0).scores,
          recording.scores[:1])  # fmt: skip
    assert list(network.record(images(), ["relu"]).activations) == ["relu#2"]


def test_a_layer_that_never_runs_is_refused():
    model = Convolutional()
    model.never = layers.Conv2D(4, 3, name="never")
    with pytest.warns(UserWarning, match="unbuilt state"):
        built(model)
    network = open_keras(model, image_shape=SHAPE)
    assert "never" not in network.layers
    recording = network.record(images(), ["conv"])
    view = network._view(SHAPE)
    ghost = {"ghost": type(view.sites["conv"])(view.sites["conv"].part, 7)}
    again = network._engine.record(network._adapter, np.moveaxis(images(), 1, -1), ghost, view.undo)
    assert not again.outputs
    close(again.scores, recording.scores)


def test_a_layer_that_stops_running_says_so():
    class Moody(Convolutional):
        quiet = False

        def call(self, x):
            x = self.conv(x)
            x = x if self.quiet else self.second(x)
            return self.dense(ops.mean(x, axis=(1, 2)))

    model = built(Moody())
    network = open_keras(model, image_shape=SHAPE)
    assert "second" in network.layers
    model.quiet = True
    with pytest.raises(LayerNotReached, match="second"):
        network.record(images(), ["second"])


@pytest.mark.parametrize(
    ("end", "which"),
    [
        (lambda s: (s, ops.sum(s)), None),
        (lambda s: [s * 2, s], 1),
        (lambda s: {"features": ops.sum(s), "logits": s}, None),
        (lambda s: {"a": s * 3, "b": s}, "b"),
    ],
)
def test_outputs_may_be_tuples_lists_and_dicts(end, which):
    plain = built(Convolutional())
    model = built(Convolutional(end))
    model.set_weights(plain.get_weights())
    network = open_keras(model, image_shape=SHAPE, output=which)
    recording = network.record(images(), ["conv"])
    wanted = open_keras(plain, image_shape=SHAPE).record(images(), ["conv"])
    close(recording.scores, wanted.scores)
    cotangent = one(wanted.scores)
    close(recording.pullback(cotangent)["conv"], wanted.pullback(cotangent)["conv"])
    own = recording.activations["conv"][:1]
    close(recording.replay("conv", own, row=0).scores, wanted.scores[:1])


def test_layers_may_answer_tuples_and_dicts():
    class Pair(layers.Layer):
        def build(self, shape):
            self.conv = layers.Conv2D(4, 3, name="conv")
            self.conv.build(shape)

        def call(self, x):
            return {"main": self.conv(x), "rest": (ops.shape(x)[1], ops.mean(x, axis=(1, 2, 3)))}

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.pair = Pair(name="pair")
            self.dense = layers.Dense(3)

        def call(self, x):
            said = self.pair(x)
            return self.dense(ops.mean(said["main"], axis=(1, 2)) + said["rest"][1][:, None])

    network = open_keras(built(Model()), image_shape=SHAPE)
    recording = network.record(images(), ["pair", "pair/conv"])
    close(recording.activations["pair"], recording.activations["pair/conv"])
    found = recording.pullback(one(recording.scores))
    close(found["pair"], found["pair/conv"])
    own = recording.activations["pair"][:1]
    close(recording.replay("pair", own, row=0).scores, recording.scores[:1])


def test_the_last_layer_may_have_the_grid():
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalMaxPooling2D(name="pool"),
        ]
    )
    recording = open_keras(model).record(images(), ["conv"])
    gradients = recording.pullback(one(recording.scores, 2))["conv"]
    flat = recording.activations["conv"][:, 2].reshape(2, -1)
    assert (gradients[:, 2].reshape(2, -1).argmax(axis=1) == flat.argmax(axis=1)).all()
    close(gradients.sum(axis=(1, 2, 3)), np.ones(2))


def test_taps_in_front_of_nothing_have_zero_gradient():
    class Deaf(Convolutional):
        def call(self, x):
            self.act(self.conv(x))
            return self.dense(ops.mean(self.second(x), axis=(1, 2)))

    recording = open_keras(built(Deaf()), image_shape=SHAPE).record(images(), ["conv", "relu"])
    assert not recording.pullback(one(recording.scores))["conv"].any()


CLOSINGS = [
    lambda: layers.Activation("softmax"),
    layers.Softmax,
    lambda: layers.Activation("sigmoid"),
    lambda: layers.Activation(keras.activations.log_softmax),
    lambda: layers.Dense(5, activation="sigmoid", name="end"),
]


@pytest.mark.parametrize("closing", CLOSINGS)
def test_closing_layers_are_left_out_and_given_back(closing):
    end = closing()
    stack = [
        keras.Input((12, 10, 3)),
        layers.Conv2D(4, 3, name="conv"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="dense"),
    ]
    model = keras.Sequential([*stack, end])
    before = {id(part): dict(vars(part)) for part in model.layers}
    x = images()
    recording = open_keras(model).record(x, ["conv"])
    assert {id(part): dict(vars(part)) for part in model.layers} == before
    assert recording.meaning == "logits"
    native = np.moveaxis(x, 1, -1)
    wanted = numpy(keras.Sequential(stack)(native))
    if isinstance(end, layers.Dense):
        wanted = wanted @ numpy(end.kernel) + numpy(end.bias)
    close(recording.scores, wanted)
    kept = open_keras(model, keep_closing=True).record(x, ["conv"])
    close(kept.scores, numpy(model(native)))
    assert kept.meaning == "probabilities"
    own = recording.activations["conv"][:1]
    close(recording.replay("conv", own, row=0).scores, recording.scores[:1])


@pytest.mark.parametrize(
    ("function", "closing"),
    [
        (keras.activations.softmax, "softmax"),
        (ops.softmax, "softmax"),
        (ops.log_softmax, "softmax"),
        (ops.sigmoid, "sigmoid"),
    ],
)
def test_closing_functions_that_no_layer_owns_are_left_out(function, closing):
    model = built(Convolutional(function))
    plain = built(Convolutional())
    plain.set_weights(model.get_weights())
    network = open_keras(model, image_shape=SHAPE)
    recording = network.record(images(), ["conv"])
    wanted = open_keras(plain, image_shape=SHAPE).record(images(), ["conv"])
    assert network.closing == closing
    close(recording.scores, wanted.scores)
    cotangent = one(wanted.scores)
    close(recording.pullback(cotangent)["conv"], wanted.pullback(cotangent)["conv"])
    own = recording.activations["conv"][:1]
    replayed = recording.replay("conv", own, row=0)
    assert not any(head.whole for head in network._state.heads.values())
    close(replayed.scores, wanted.scores[:1])
    close(replayed.pullback(cotangent[:1])["conv"], wanted.pullback(cotangent)["conv"][:1])


def test_a_single_sigmoid_unit_gives_its_logit():
    model = functional("sigmoid", classes=1)
    recording = open_keras(model).record(images(), ["first"])
    assert recording.scores.shape == (2, 1)
    close(recording.scores, numpy(logits_model(model)(np.moveaxis(images(), 1, -1))))


def test_a_recurrent_layer_at_the_end_keeps_its_activation():
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.Reshape((10, 32)),
            layers.SimpleRNN(3, activation="sigmoid", name="rnn"),
        ]
    )
    network = open_keras(model)
    recording = network.record(images(), ["conv"])
    close(
        recording.activations["conv"], first(numpy(model.layers[0](np.moveaxis(images(), 1, -1))))
    )
    assert model.layers[-1].activation is keras.activations.sigmoid


def snapshot(model, seen=None):
    """Everything that can be seen of a model and its parts: attributes, weights, call nodes."""
    parts = [model, *model._flatten_layers(include_self=False)]
    return [
        (
            sorted(vars(part)),
            {k: id(v) for k, v in vars(part).items()},
            len(part._inbound_nodes),
            len(part._outbound_nodes),
            list(part.losses),
            part.trainable,
            [numpy(v).copy().tolist() for v in part.variables],
            [getattr(v, "trainable", None) for v in part.variables],
        )
        for part in parts
    ]


def regularised():
    """A model that would keep losses, advance seeds and move averages if it were let."""
    model = functional()
    model.get_layer("first").activity_regularizer = keras.regularizers.L2(0.1)
    model.get_layer("branch").trainable = False
    model.get_layer("dropout").seed_generator.next()
    return model


@pytest.mark.parametrize("trainable", [True, False])
def test_nothing_of_the_model_is_changed(trainable):
    model = regularised()
    model.trainable = trainable
    before = snapshot(model)
    network = open_keras(model)
    recording = network.record(images(), ["first", "joined"])
    recording.pullback(one(recording.scores))
    replayed = recording.replay("joined", recording.activations["joined"][:1], row=0)
    replayed.pullback(one(replayed.scores))
    recording.replay("input", images(1), row=0)
    assert snapshot(model) == before


class Broken(Convolutional):
    broken = False

    def call(self, x):
        x = self.act(self.conv(x))
        if self.broken:
            raise RuntimeError("in the middle")
        return self.dense(ops.mean(x, axis=(1, 2)))


def test_nothing_of_the_model_is_changed_by_an_exception_in_the_middle():
    model = built(Broken())
    network = open_keras(model, image_shape=SHAPE)
    network.record(images(), ["conv"])
    model.broken = True
    before = snapshot(model)
    for at in (["relu"], ["conv", "relu"]):
        with pytest.raises(RuntimeError, match="in the middle"):
            network.record(images(), at)
    assert snapshot(model) == before
    model.broken = False
    assert network.record(images(), ["relu"]).activations
    assert not keras.src.backend.in_stateless_scope()


def test_random_states_and_moving_averages_are_not_written():
    class Noisy(Convolutional):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5, seed=3)
            self.norm = layers.BatchNormalization()

        def call(self, x):
            x = self.norm(self.drop(self.conv(x), training=True), training=True)
            return self.dense(ops.mean(x, axis=(1, 2)))

    model = built(Noisy())
    before = [numpy(v).copy() for v in model.variables]
    network = open_keras(model, image_shape=SHAPE)
    recording = network.record(images(), ["conv"])
    recording.pullback(one(recording.scores))
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, numpy(new))


def test_new_weights_are_respected():
    model = functional()
    network = open_keras(model)
    before = network.record(images(), ["first"])
    old = before.pullback(one(before.scores))["first"]
    model.set_weights([w * 1.5 for w in model.get_weights()])
    after = network.record(images(), ["first"])
    close(after.scores, numpy(logits_model(model)(np.moveaxis(images(), 1, -1))))
    assert np.abs(after.pullback(one(after.scores))["first"] - old).max() > 1e-5
    own = after.activations["first"][:1]
    close(after.replay("first", own, row=0).scores, after.scores[:1])


def test_a_recording_stays_what_it_was_when_weights_change():
    model = functional()
    recording = open_keras(model).record(images(), ["joined"])
    cotangent = one(recording.scores)
    before = recording.pullback(cotangent)["joined"].copy()
    if BACKEND == "torch":
        pytest.skip("torch differentiates through the weights as they are")
    model.set_weights([w * 2 for w in model.get_weights()])
    close(recording.pullback(cotangent)["joined"], before)


def test_an_activation_that_the_user_exchanges_is_respected():
    model = functional(None)
    network = open_keras(model)
    before = network.record(images(), ["first"])
    model.get_layer("first").activation = keras.activations.tanh
    after = network.record(images(), ["first"])
    assert np.abs(before.activations["first"] - after.activations["first"]).max() > 1e-3


def test_python_runs_once_for_each_program():
    model = built(Convolutional())
    network = open_keras(model, image_shape=SHAPE)
    recording = network.record(images(), ["conv"])
    recording.pullback(one(recording.scores))
    recording.replay("conv", np.repeat(recording.activations["conv"][:1], 3, axis=0), row=0)
    traced = model.calls
    for _ in range(3):
        recording = network.record(images() + 1, ["conv"])
        recording.pullback(one(recording.scores, 2))
    assert model.calls - traced == (3 if BACKEND == "torch" else 0)
    traced = model.calls
    for row in range(2):
        own = np.repeat(recording.activations["conv"][row : row + 1], 4, axis=0)
        recording.replay("conv", own, row=row)
        recording.replay("conv", own[:3], row=row)
    if BACKEND != "torch":
        assert model.calls == traced


@pytest.mark.skipif(BACKEND == "torch", reason="eager PyTorch compiles nothing")
def test_all_layers_are_compiled_once():
    """The first call runs the model's Python as often as one layer does, the second never."""

    def runs_of(*asked):
        keras.utils.set_random_seed(0)  # maps of some weights need their layers opened
        network = open_keras(built(Convolutional()), image_shape=SHAPE)
        network.survey(SHAPE)
        counts = []
        for layer in asked:
            before = Convolutional.calls
            xh.maps(network, np.moveaxis(images(), 1, -1), layer=layer, target=1)
            counts.append(Convolutional.calls - before)
        return counts

    one, again = runs_of("conv", "conv")
    every, second, third = runs_of("all", "all", "all")
    assert one > 0
    assert (every, again, second, third) == (one, 0, 0, 0)


def test_heads_of_many_sizes_compile_few_programs():
    model = built(Convolutional())
    network = open_keras(model, image_shape=SHAPE)
    recording = network.record(images(), ["conv"])
    own = recording.activations["conv"][:1]
    recording.replay("conv", own, row=0)
    traced = model.calls
    for size in range(1, 33):
        replayed = recording.replay("conv", np.repeat(own, size, axis=0), row=0)
        assert replayed.scores.shape == (size, 3)
        assert replayed.activations["conv"].shape == (size, 4, 10, 8)
    if BACKEND != "torch":
        assert model.calls - traced <= 5 * 4


def test_models_with_a_batch_size_in_their_python_work():
    class Counting(Convolutional):
        def call(self, x):
            x = self.conv(x)
            rows = [ops.mean(x[row], axis=(0, 1)) for row in range(x.shape[0])]
            return self.dense(ops.stack(rows))

    network = open_keras(built(Counting()), image_shape=SHAPE)
    for count in (2, 3):
        recording = network.record(images(count), ["conv"])
        assert recording.scores.shape == (count, 3)
        assert recording.pullback(one(recording.scores))["conv"].any()
    own = recording.activations["conv"][:1]
    replayed = recording.replay("conv", np.repeat(own, 3, axis=0), row=0)
    close(replayed.scores[2:], recording.scores[:1])


def test_half_precision_crosses_as_float32():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if BACKEND == "torch" else "mixed_float16")
    try:
        model = functional(None)
    finally:
        keras.config.set_dtype_policy(policy)
    recording = open_keras(model).record(images(), ["joined"])
    gradients = recording.pullback(one(recording.scores))
    assert recording.scores.dtype == np.float32
    assert recording.activations["joined"].dtype == np.float32
    assert gradients["joined"].dtype == np.float32
    full = functional(None)
    full.set_weights(model.get_weights())
    wanted = open_keras(full).record(images(), ["joined"])
    close(recording.scores, wanted.scores, 0.05)
    close(gradients["joined"], wanted.pullback(one(wanted.scores))["joined"], 0.1)
    own = recording.activations["joined"][:1]
    close(recording.replay("joined", own, row=0).scores, recording.scores[:1], 0.02)


def test_channels_first_models_are_read_as_such():
    if BACKEND != "torch":
        pytest.skip("convolutions with channels first do not run on this CPU")
    model = keras.Sequential(
        [
            keras.Input((3, 12, 10)),
            layers.Conv2D(4, 3, data_format="channels_first", name="conv"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
        ]
    )
    network = open_keras(model)
    assert not network.channels_last
    assert network.declared.input_shape == SHAPE
    assert network.record(images(), ["conv"]).activations["conv"].shape == (2, 4, 10, 8)


def test_signals_and_volumes_have_grids_too():
    signal = keras.Sequential(
        [keras.Input((16, 2)), layers.Conv1D(4, 3, name="conv"), layers.GlobalMaxPooling1D()]
    )
    recording = open_keras(signal).record(images(2, (2, 16)), ["conv"])
    assert recording.activations["conv"].shape == (2, 4, 14)
    volume = keras.Sequential(
        [keras.Input((6, 7, 8, 2)), layers.Conv3D(4, 3, name="conv"), layers.GlobalMaxPooling3D()]
    )
    recording = open_keras(volume).record(images(2, (2, 6, 7, 8)), ["conv"])
    assert recording.activations["conv"].shape == (2, 4, 4, 5, 6)
    assert recording.pullback(one(recording.scores))["conv"].any()


def test_tokens_are_put_back_on_replay():
    class Tokens(layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, x):
            flat = ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
            token = ops.broadcast_to(self.token, (ops.shape(flat)[0], 1, flat.shape[-1]))
            return ops.concatenate([token, flat], axis=1)

    image = keras.Input((12, 10, 3))
    x = layers.Conv2D(8, 2, strides=2, name="patches")(image)
    x = Tokens(name="tokens")(x)
    x = x + layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    scores = layers.Dense(3)(layers.LayerNormalization(name="norm")(x)[:, 0])
    network = open_keras(keras.Model(image, scores))
    assert network.layers["tokens"].grid == (6, 5)
    recording = network.record(images(), ["tokens", "patches"])
    own = recording.activations["tokens"][:1]
    close(recording.replay("tokens", own, row=0).scores, recording.scores[:1])
    assert recording.pullback(one(recording.scores))["patches"].any()


def test_an_input_that_is_not_held_is_refused():
    a, b = keras.Input((4, 4, 3)), keras.Input((2,))
    model = keras.Model([a, b], layers.Dense(2)(layers.concatenate([layers.Flatten()(a), b])))
    with pytest.raises(BadOption, match=rf"held={{'{b.name}': array}}"):
        open_keras(model)


def test_outputs_that_are_no_scores_are_refused():
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.Reshape((40, 8)),
        ]
    )
    with pytest.raises(NoScores, match="40x8"):
        xh.maps(model, np.moveaxis(images(), 1, -1), layer="conv")


def test_a_layer_without_a_grid_is_refused():
    with pytest.raises(NoGrid, match="inner"):
        xh.maps(open_keras(functional()), np.moveaxis(images(), 1, -1), layer="pool")


def test_two_layers_of_one_name_are_told_apart():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.a = layers.Conv2D(3, 3, padding="same", name="conv")
            self.b = layers.Conv2D(3, 3, padding="same", name="conv")

        def call(self, x):
            return ops.mean(self.b(self.a(x)), axis=(1, 2))

    network = open_keras(built(Twins()), image_shape=SHAPE)
    assert list(network.layers) == ["input", "conv", "conv_2"]
    found = network.record(images(), ["conv", "conv_2"]).activations
    assert np.abs(found["conv"] - found["conv_2"]).max() > 1e-3


def test_the_model_is_forgotten_when_it_is_dropped():
    model = functional()
    network = open_keras(model)
    recording = network.record(images(), ["joined"])
    recording.pullback(one(recording.scores))
    recording.replay("joined", recording.activations["joined"][:1], row=0)
    recording.replay("input", images(1), row=0)
    gone = weakref.ref(model)
    del model, network, recording
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


@pytest.mark.slow
def test_memory_is_flat_over_many_images():
    network = open_keras(functional())
    x = images(512)

    def explain(rounds):
        for round_ in range(rounds):
            recording = network.record(x + round_, ["first", "joined"])
            recording.pullback(one(recording.scores, round_ % 4))
            own = recording.activations["joined"][:1]
            recording.replay("joined", np.repeat(own, 1 + round_ % 9, axis=0), row=0)
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    before = explain(30)
    held = sum(a.nbytes for a in network.record(x, ["first", "joined"]).activations.values())
    grown = explain(90) - before
    assert grown < 20 * held, f"{grown} bytes more, where one recording holds {held}"


def test_programs_are_bounded(monkeypatch):
    assert compile_cache.MOST <= 16
    monkeypatch.setattr(compile_cache, "MOST", 3)
    network = open_keras(functional())
    names = [n for n in network.layers if network.layers[n].places > 1]
    for name in names[:5]:
        network.record(images(1), [name])
    assert len(network._state.kept.get("programs", ())) <= 3


def test_a_layer_inside_a_loop_is_no_layer_of_the_network():
    class Loop(layers.Layer):
        def __init__(self):
            super().__init__(name="loop")
            self.conv = layers.Conv2D(4, 3, padding="same", name="conv")

        def build(self, shape):
            self.conv.build(shape)

        def call(self, x):
            if BACKEND == "tensorflow":
                import tensorflow as tf

                return tf.while_loop(
                    lambda i, _: i < 2, lambda i, x: (i + 1, self.conv(x)), (0, x)
                )[1]
            return ops.scan(lambda x, step: (self.conv(x), step), x, ops.zeros((2, 1)))[0]

        def compute_output_shape(self, shape):
            return shape

    image = keras.Input((12, 10, 3))
    x = layers.Conv2D(4, 3, name="conv")(image)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(Loop()(x)))
    network = open_keras(model)
    looped = [name for name in network.layers if name.startswith("loop/conv")]
    assert len(looped) == (2 if BACKEND == "torch" else 0)
    recording = network.record(images(), ["conv", "loop"])
    close(recording.scores, numpy(model(np.moveaxis(images(), 1, -1))))
    loop = model.get_layer("loop")
    start = np.moveaxis(recording.activations["conv"], 1, -1)
    found = recording.pullback(one(recording.scores))["conv"]
    twice = gradient(lambda a: ops.mean(loop.conv(loop.conv(a)), axis=(1, 2))[:, 1], start)
    close(found, first(twice))


def test_what_is_known_of_a_model_is_kept_from_one_opening_to_the_next():
    model = built(Convolutional())
    open_keras(model, image_shape=SHAPE).record(images(), ["conv"])
    calls = model.calls
    open_keras(model, image_shape=SHAPE).record(images(), ["conv"])
    assert model.calls - calls == (1 if BACKEND == "torch" else 0)


@pytest.mark.skipif(BACKEND != "torch", reason="about the modes of torch")
@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_callers_without_gradients_get_them(mode):
    import torch

    model = functional()
    flags = [p.requires_grad for p in model.parameters()]
    with getattr(torch, mode)():
        recording = open_keras(model).record(images(), ["first"])
        assert recording.pullback(one(recording.scores))["first"].any()
    assert [p.requires_grad for p in model.parameters()] == flags
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about tapes and graphs")
def test_callers_inside_a_tape_are_not_disturbed():
    import tensorflow as tf

    model = functional()
    with tf.GradientTape() as tape:
        recording = open_keras(model).record(images(), ["first"])
        assert recording.pullback(one(recording.scores))["first"].any()
    assert not tape.watched_variables()
