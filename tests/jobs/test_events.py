"""Events are plain values: they cross processes as JSON, and ``--json`` prints their documents."""

import pytest
from pydantic import ValidationError

from xai_heatmap.core.errors import NotAnImage
from xai_heatmap.jobs.events import (
    FileResult,
    MapsResult,
    Progress,
    SheetResult,
    event_of,
    refusal,
)

REFUSED = refusal(NotAnImage("no picture"), key="a", image="a.png", model="demo", job="explain")


@pytest.mark.parametrize(
    "event",
    [
        Progress(key="a", image="a.png", number=1, total=3),
        MapsResult(key="a", image="a.png", explanations=[{"score": 1.5, "layer": None}]),
        SheetResult(key="a", image="a.png", rows=[{"target": "cat"}], methods=["rise"]),
        REFUSED,
        FileResult(path="x.onnx", bytes=3),
    ],
    ids=lambda event: event.kind,
)
def test_an_event_is_its_json_and_is_told_apart_by_its_kind(event):
    again = event_of(event.model_dump_json())
    assert again == event
    assert type(again) is type(event)


def test_a_document_has_every_key_in_its_order_whatever_happened():
    made = MapsResult(key="a", image="a.png", model="demo", sheet="s.png", seconds={"read": 1.0})
    assert list(made.document()) == [
        "image", "model", "error", "explanations", "sheet", "seconds",
    ]  # fmt: skip
    assert list(REFUSED.document()) == list(made.document())
    assert REFUSED.document() == {
        "image": "a.png",
        "model": "demo",
        "error": {"code": "XH202", "message": "no picture"},
        "explanations": [],
        "sheet": None,
        "seconds": {},
    }
    assert REFUSED.exit_code == 4
    sheet = refusal(NotAnImage("no"), key="a", image="a.png", model=None, job="compare")
    assert list(sheet.document()) == [
        "image", "model", "error", "rows", "methods", "left_out", "sheets", "seconds",
    ]  # fmt: skip


def test_what_is_no_event_is_refused():
    with pytest.raises(ValidationError):
        event_of('{"kind": "rumour"}')
    with pytest.raises(ValidationError):
        Progress(image="a.png", number=1, total=3, colour="red")
