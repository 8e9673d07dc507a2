"""Names that converters make of the parts of a model."""

import pytest

from xai_heatmap.core.errors import UnknownLayer
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.scopes import in_scope
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Layer, Survey

TORCH = [
    "/stem/stem.0/Conv",
    "/stem/stem.2/Relu",
    "/blocks.0/conv/Conv",
    "/blocks.0/Add",
    "/layer1/layer1.0/conv1/Conv",
    "/features/features.0/features.0.0/Conv",
    "/odd.c/d/Conv",
    "/shared_1/Relu",
    "/Gather",
]
KERAS = ["net_1/stem_1/convolution", "net_1/inner_1/conv_1/Relu", "net_1/stem_10/Relu"]


@pytest.mark.parametrize(
    ("part", "layers", "found"),
    [
        ("stem", TORCH, "/stem/stem.2/Relu"),
        ("stem.0", TORCH, "/stem/stem.0/Conv"),
        ("stem.1", TORCH, None),
        ("blocks.0", TORCH, "/blocks.0/Add"),
        ("layer1.0.conv1", TORCH, "/layer1/layer1.0/conv1/Conv"),
        ("features.0.0", TORCH, "/features/features.0/features.0.0/Conv"),
        ("odd.c/d", TORCH, "/odd.c/d/Conv"),
        ("shared", TORCH, "/shared_1/Relu"),
        ("Gather", TORCH, None),
        ("", TORCH, None),
        ("inner/conv", KERAS, "net_1/inner_1/conv_1/Relu"),
        ("conv", KERAS, "net_1/inner_1/conv_1/Relu"),
        ("inn", KERAS, None),
        ("block1", ["block1.relu", "block1"], None),
    ],
)
def test_a_part_of_a_model_is_found_by_its_operators(part, layers, found):
    assert in_scope(part, layers) == found


def test_an_unknown_layer_is_told_the_operator_of_the_part():
    layers = {
        name: Layer(name, (4, 8, 8), "Conv", Layout("channels_first", (8, 8))) for name in TORCH
    }
    with pytest.raises(UnknownLayer, match=r"no layer 'stem\.0'.*last.*'/stem/stem\.0/Conv': use"):
        select(Survey(layers, None, ""), "stem.0")
