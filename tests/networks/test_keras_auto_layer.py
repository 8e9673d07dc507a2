"""The layer to look at first, on architectures that people use, with random weights."""

import pytest

keras = pytest.importorskip("keras")

from xai_heatmap.networks.keras.model import open_keras  # noqa: E402

RIGHT = {
    "MobileNet": ("conv_pw_13_relu", (1024, 7, 7), "tf"),
    "MobileNetV2": ("out_relu", (1280, 7, 7), "tf"),
    "MobileNetV3Small": ("activation_17", (576, 7, 7), "raw"),
    "InceptionV3": ("mixed10", (2048, 8, 8), "tf"),
    "DenseNet121": ("relu", (1024, 7, 7), "torch"),
    "Xception": ("block14_sepconv2_act", (2048, 10, 10), "tf"),
    "ConvNeXtTiny": ("convnext_tiny_stage_3_block_2_identity", (768, 7, 7), "raw"),
}

FEW = ("MobileNetV2", "ConvNeXtTiny")
"""Where a backend has to compile each: with branches of convolutions, and with layer norms."""
NAMES = RIGHT if keras.backend.backend() == "tensorflow" else FEW


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_auto_is_the_last_grid_that_every_path_crosses(name):
    keras.backend.clear_session()
    network = open_keras(getattr(keras.applications, name)(weights=None))
    layer, shape, preprocess = RIGHT[name]
    survey = network.survey(network.image_shape)
    assert survey.auto == layer
    assert survey.layers[layer].shape == shape
    assert network.closing == "softmax"
    assert network.declared.preprocess == preprocess
    keras.backend.clear_session()
