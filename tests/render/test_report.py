"""A page of HTML that stands alone."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import PIL.Image

from xai_heatmap.render.report import Figure, Row, Section, report


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.opened, self.images, self.words, self.left = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        elif tag != "meta":
            self.left.append(tag)

    def handle_endtag(self, tag):
        assert self.left.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


PICTURE = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
PAGE = report(
    "A < B",
    intro=["First & foremost"],
    sections=[
        Section(
            "Part",
            "Text",
            Figure(PICTURE, "whole", "all"),
            [Row("row", [Figure(PICTURE, "<caption>", 'an "alt"')])],
        )
    ],
    footer="the end",
)


def test_everything_is_in_it_and_escaped():
    page = Page(PAGE)
    assert page.left == []
    words = " ".join(page.words)
    for said in (
        "A < B",
        "First & foremost",
        "Part",
        "Text",
        "row",
        "whole",
        "<caption>",
        "the end",
    ):
        assert said in words
    whole, image = page.images
    assert whole["alt"] == "all"
    assert (image["alt"], image["width"], image["height"]) == ('an "alt"', "40", "30")


def test_it_needs_nothing_beside_itself():
    assert not re.search(r"(src|href)=\"(?!data:)", PAGE)
    assert "http" not in PAGE.replace("http-equiv", "")
    assert not {"script", "link", "iframe"} & set(Page(PAGE).opened)


def test_the_picture_is_the_one_that_was_given():
    image, _ = Page(PAGE).images
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    found = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data))))
    smooth = np.asarray(PIL.Image.fromarray(PICTURE).resize((5, 4), PIL.Image.Resampling.BOX))
    again = np.asarray(PIL.Image.fromarray(found).resize((5, 4), PIL.Image.Resampling.BOX))
    assert np.abs(smooth.astype(int) - again).max() < 20
