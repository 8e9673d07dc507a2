import numpy as np
import pytest

from xai_heatmap.render import fonts
from xai_heatmap.render.caption import NARROWEST, captioned, words
from xai_heatmap.render.page import ALARM

FACTS = {"score": 12.3, "likely": 0.8261, "method": "gradcam", "layer": "layer4.2", "verdict": "ok"}


def black(rows, columns):
    return np.zeros((rows, columns, 3), np.uint8)


def said(target="tabby", index=281, **facts):
    return [word.text for word in words(target, index, **FACTS | facts)]


def test_class_probability_method_layer_and_verdict():
    assert said() == ["tabby", "0.826", "gradcam", "layer4.2", "verdict ok"]
    assert said("tabby - tiger cat", likely=None)[:2] == ["tabby - tiger cat", "score 12.3"]
    assert said(verdict="dead_gradient")[-1] == "dead gradient"


def test_a_verdict_that_is_not_ok_is_alarming():
    assert [word.alarming for word in words("a", 0, **FACTS)] == [False] * 5
    bad = words("a", 0, **FACTS | {"verdict": "cancelled"})
    assert [word.alarming for word in bad] == [False] * 4 + [True]
    shown = captioned(black(40, 600), bad)[40:]
    assert (shown == ALARM).all(axis=-1).any()
    assert not (captioned(black(40, 600), words("a", 0, **FACTS))[40:] == ALARM).all(axis=-1).any()


def test_the_picture_itself_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (50, 400, 3), dtype=np.uint8)
    page = captioned(picture, words("tabby", 281, **FACTS))
    np.testing.assert_array_equal(page[:50], picture)
    assert page.shape[1] == 400
    assert (page[50:] != 255).any()


def test_a_wide_picture_has_one_line_and_a_narrow_one_more():
    long = words("golden retriever", 207, **FACTS)
    one, more = (captioned(black(30, wide), long).shape[0] - 30 for wide in (640, 224))
    assert one < more <= 3 * one


def test_a_tiny_picture_stands_on_a_page_that_is_wide_enough():
    page = captioned(black(32, 32), words("tabby", 281, **FACTS))
    assert page.shape[1] == NARROWEST
    left = (NARROWEST - 32) // 2
    assert not page[:32, left : left + 32].any()
    assert (page[:32, :left] == 255).all()


@pytest.mark.parametrize("wide", [32, 224, 1000])
def test_a_label_that_is_too_long_loses_its_middle(wide):
    page = captioned(black(20, wide), words("a" * 3000, 0, **FACTS))
    assert page.shape[1] == max(wide, NARROWEST)
    assert (page[:, -2:] == (255 if wide < NARROWEST else page[:, -2:])).all()


def test_a_name_without_letters_is_said_as_a_number(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda name, size: None)
    assert said("柴犬", 273)[0] == "class 273"
    assert said("柴犬", None)[0] == "柴犬"
    assert said("Shiba", 273)[0] == "Shiba"
