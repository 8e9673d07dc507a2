"""What Keras models were trained to see, told from their names and first layers."""

import importlib
import inspect

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import layers  # noqa: E402

from xai_heatmap.networks.keras.preprocess import MODES, _mode, preset  # noqa: E402

# keras's variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
PIXELS = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 3)).astype(np.float32)
WITH_THEIR_OWN = ("efficientnet", "efficientnet_v2", "convnext", "mobilenet_v3")
"""Modules whose models scale pixels in their first layers."""

MODULES = {
    "densenet": ["DenseNet121", "DenseNet169", "DenseNet201"],
    "inception_resnet_v2": ["InceptionResNetV2"],
    "inception_v3": ["InceptionV3"],
    "nasnet": ["NASNetLarge", "NASNetMobile"],
    "resnet": ["ResNet50", "ResNet101", "ResNet152"],
    "resnet_v2": ["ResNet50V2", "ResNet101V2", "ResNet152V2"],
    "vgg16": ["VGG16"],
    "vgg19": ["VGG19"],
    "xception": ["Xception"],
}
CONVOLUTION = {"filters": 2, "kernel_size": 1, "name": "conv"}


def scaled(mode):
    if mode == "tf":
        return PIXELS / 127.5 - 1
    if mode == "torch":
        return (PIXELS / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return PIXELS[..., ::-1] - [103.939, 116.779, 123.68]


@pytest.mark.parametrize("module", MODULES)
def test_modes_are_those_of_keras(module):
    home = importlib.import_module(f"keras.applications.{module}")
    for factory in MODULES[module]:
        name = inspect.signature(getattr(keras.applications, factory)).parameters["name"].default
        np.testing.assert_allclose(
            home.preprocess_input(PIXELS.copy()), scaled(_mode(name)), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize(
    "name", ["mobilenet_1.00_224", "mobilenet_0.25_128", "mobilenetv2_1.40_96"]
)
def test_mobilenets_carry_numbers_in_their_names(name):
    assert _mode(name) == "tf"


@pytest.mark.parametrize("module", WITH_THEIR_OWN)
def test_some_applications_leave_pixels_as_they_are(module):
    home = importlib.import_module(f"keras.applications.{module}")
    np.testing.assert_array_equal(home.preprocess_input(PIXELS), PIXELS)


def small(*stack, name=None):
    return keras.Sequential(
        [keras.Input((8, 8, 3)), *stack, layers.Conv2D(**CONVOLUTION)], name=name
    )


@pytest.mark.parametrize("name", ["resnet50", "vgg16"])
def test_names_count_only_where_no_layer_tells_more(name):
    assert preset(small(name=name)) == "caffe"
    assert preset(small(layers.Rescaling(1 / 255), name=name)) == "raw"
    assert preset(small(name="mine")) is None


def test_a_normalising_layer_tells_by_its_mean():
    assert preset(small(layers.Normalization(mean=[123.0] * 3, variance=[9.0] * 3))) == "raw"
    assert preset(small(layers.Normalization(mean=[0.4] * 3, variance=[0.1] * 3))) == "unit"
    adapted = layers.Normalization()
    adapted.adapt(PIXELS)
    assert preset(small(adapted)) == "raw"
    assert preset(small(layers.Normalization())) is None


def test_scaling_after_the_first_weights_is_not_about_pixels():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(**CONVOLUTION), layers.Rescaling(2.0)]
    )
    assert preset(model) is None


def test_a_base_inside_another_model_tells():
    base = small(name="densenet121")
    image = keras.Input((8, 8, 3))
    flipped = layers.RandomFlip()(image)
    assert preset(keras.Model(image, layers.Flatten()(base(flipped)))) == "torch"


def test_preprocess_input_called_inside_tells():
    image = keras.Input((8, 8, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(image)
    assert preset(keras.Model(image, layers.Conv2D(**CONVOLUTION)(x), name="vgg16")) == "raw"


def test_every_preset_is_one_that_preprocessing_knows():
    from xai_heatmap.sources.preprocess import PRESETS

    assert {*MODES.values(), "raw", "unit"} <= set(PRESETS)
