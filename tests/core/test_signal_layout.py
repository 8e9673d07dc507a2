"""A layer of a signal is read by what it is and by what went before."""

import pytest

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.signal import signal_layout


def read(inner, kind, *, last=False, before=None, lengths=(1000,)):
    return signal_layout(inner, kind=kind, channels_last=last, read=before or {}, lengths=lengths)


def first(length):
    return Layout("channels_first", (length,))


def last(length):
    return Layout("channels_last", (length,))


@pytest.mark.parametrize("kind", ["Conv1d", "MaxPool", "BatchNorm1d", "Upsample", "Resize"])
def test_convolutions_and_their_like_have_channels_where_the_network_has_them(kind):
    assert read((256, 128), kind, lengths=(1024, 256)) == first(128)
    assert read((128, 256), kind, last=True, lengths=(1024, 256)) == last(128)


@pytest.mark.parametrize("kind", ["LSTM", "Linear", "LayerNorm", "MultiheadAttention", "MatMul"])
def test_recurrent_layers_linear_ones_and_attention_have_features_last(kind):
    assert read((250, 64), kind, lengths=(1000, 250)) == last(250)


def test_tokens_in_front_are_those_that_miss_the_fewest_of_a_known_grid():
    assert read((251, 64), "LayerNorm", lengths=(1000, 250, 240)) == Layout("tokens", (250,), 1)


def test_a_layer_that_mixes_places_has_features_first():
    assert read((64, 250), "Linear", lengths=(1000, 250)) == first(250)


def test_anything_else_is_read_as_what_had_its_shape_before():
    assert read((250, 64), "Dropout", before={(250, 64): last(250)}) == last(250)
    assert read((64, 250), "ReLU", before={(64, 250): first(250)}) == first(250)
    tokens = Layout("tokens", (249,), 1)
    assert read((250, 64), "Add", before={(250, 64): tokens}) == tokens


def test_what_has_its_shape_turned_round_is_read_so():
    assert read((250, 64), "Transpose", before={(64, 250): first(250)}) == last(250)
    assert read((64, 250), "Permute", before={(250, 64): last(250)}) == first(250)


def test_what_nothing_is_known_of_is_read_as_the_network_has_it():
    assert read((64, 250), "Block") == first(250)
    assert read((250, 64), "Block", last=True) == last(250)
