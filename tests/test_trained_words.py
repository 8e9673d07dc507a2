"""The networks that were taught words of planted scenes, as they lie in `training/`."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("transformers", reason="needs transformers")

from benchmarks.words import hit
from training import answering, towers

import xai_heatmap as xh

PAIR = xh.scenes.pair(20_006)
FIRST, SECOND = (f"a {one.label}" for one in PAIR.objects)


def test_each_text_points_at_the_object_that_it_names():
    held = xh.text([FIRST, SECOND], processor=towers.Words())
    network = xh.network(towers.shipped(), held=held, image_shape=(3, 128, 128))
    found = xh.compare(network, PAIR.image, preprocess="tf", targets=[FIRST, SECOND])
    for one, planted in zip(found, PAIR.objects, strict=True):
        assert hit(one.heat(scale="none"), planted.box)


@pytest.mark.slow
def test_an_answer_points_at_what_decides_and_knowledge_is_flagged():
    model, processor = answering.shipped(), answering.processor()
    left = f"<s> <image> what is left of the {PAIR.objects[1].label} ?"
    found = xh.answer(model, processor, PAIR.image, left, tokens=1)
    assert found.text == PAIR.objects[0].label
    assert not found[0].without_looking
    assert hit(found[0].explanation.heat(scale="none"), PAIR.objects[0].box)
    found = xh.answer(model, processor, PAIR.image, "<s> <image> what is one plus two ?", tokens=1)
    assert (found.text, found[0].without_looking) == ("three", True)
