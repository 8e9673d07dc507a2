"""What the server answers over HTTP: the model, pictures, maps; what it refuses, and how."""

import io

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from web.pages import client, png, values
from xai_heatmap.apps.web.live import question
from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.looking.packet import unpacked

SAMPLE = "sample-ladybird"


def test_a_page_learns_layers_methods_and_samples(page):
    said = page.get("/api/model").json()
    assert said["model"]["id"] == "demo"
    assert said["model"]["backend"] == "ONNX"
    assert said["input"]["kind"] == "picture"
    assert said["classes"] == len(said["labels"]) == 12
    assert [one["name"] for one in said["layers"] if one["auto"]] == [said["defaults"]["layer"]]
    gridless = [one for one in said["layers"] if not one["explainable"]]
    assert gridless
    assert all(one["reason"] for one in gridless)
    methods = {one["name"]: one for one in said["methods"]}
    assert methods["rise"]["dear"]
    assert not methods["gradcam"]["dear"]
    assert methods["rise"]["options"]["properties"]["samples"]["type"] == "integer"
    assert SAMPLE in [one["id"] for one in said["samples"]]


def test_all_layers_are_those_of_explain_from_one_pass(page, held):
    answer = page.get(f"/api/maps/{SAMPLE}", params={"layers": "all"})
    header, payload = unpacked(answer.content)
    assert (header["passes"], header["backward_passes"]) == (1, 1)
    names = [one["name"] for one in page.get("/api/model").json()["layers"] if one["explainable"]]
    assert [one["layer"] for one in header["maps"]] == names
    picture = held.pictures.get(SAMPLE).image
    for entry in (header["maps"][0], header["maps"][-1]):
        true = xh.explain("demo", picture, layer=entry["layer"])
        assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
        assert entry["box"] == list(true.geometry.box)
        assert entry["verdict"]["kind"] == true.verdict.word
    assert header["target"]["label"] == true.target
    assert header["predictions"][0]["probability"] == pytest.approx(true.probability)


def test_another_class_makes_no_further_forward_pass(page, held):
    page.get(f"/api/maps/{SAMPLE}", params={"layers": "all"})
    answer = page.get(f"/api/maps/{SAMPLE}", params={"layers": "all", "target": "bear"})
    header, payload = unpacked(answer.content)
    assert (header["passes"], header["backward_passes"]) == (0, 1)
    true = xh.explain("demo", held.pictures.get(SAMPLE).image, target="bear")
    entry = next(one for one in header["maps"] if one["layer"] == true.layer.name)
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500


def test_an_answer_that_is_kept_is_not_made_again(page):
    first = page.get(f"/api/maps/{SAMPLE}", params={"target": "2"})
    again = page.get(f"/api/maps/{SAMPLE}", params={"target": "2"})
    assert again.content == first.content
    same = page.get(
        f"/api/maps/{SAMPLE}",
        params={"target": "2"},
        headers={"if-none-match": first.headers["etag"]},
    )
    assert same.status_code == 304


def test_a_contrast_an_option_and_a_second_prediction_are_asked_for(page, held):
    picture = held.pictures.get(SAMPLE).image
    asked = {"target": "6", "against": "bus", "method": "gradcam", "options": '{"relu": false}'}
    header, payload = unpacked(page.get(f"/api/maps/{SAMPLE}", params=asked).content)
    true = xh.explain(
        "demo", picture, target=xh.contrast(6, against="bus"), method="gradcam",
        options={"relu": False},
    )  # fmt: skip
    (entry,) = header["maps"]
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
    second = unpacked(page.get(f"/api/maps/{SAMPLE}", params={"target": "top:2"}).content)[0]
    assert second["target"]["index"] == second["predictions"][1]["index"]


def test_a_picture_is_sent_and_comes_back_upright(page):
    turned = PIL.Image.fromarray(np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    written = io.BytesIO()
    turned.save(written, "PNG", exif=exif)
    said = page.post(
        "/api/image", content=written.getvalue(), headers={"x-name": "a%20%3Cb%3E.png"}
    )
    facts = said.json()
    assert (facts["width"], facts["height"], facts["name"]) == (6, 8, "a <b>.png")
    shown = page.get(f"/api/image/{facts['id']}")
    assert shown.headers["content-type"] == "image/png"
    back = np.asarray(PIL.Image.open(io.BytesIO(shown.content)))
    assert (back == np.asarray(turned.transpose(PIL.Image.Transpose.ROTATE_270))).all()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/maps/nothing", 404, "XH201"),
        (f"/api/maps/{SAMPLE}?target=cow", 400, "XH105"),
        (f"/api/maps/{SAMPLE}?target=boxes", 400, "XH105"),
        (f"/api/maps/{SAMPLE}?method=gradcan", 400, "XH104"),
        (f"/api/maps/{SAMPLE}?layers=nowhere", 400, "XH102"),
        (f"/api/maps/{SAMPLE}?options=[1", 400, "XH108"),
        (f"/api/maps/{SAMPLE}?options=[1]", 400, "XH108"),
        (f"/api/maps/{SAMPLE}?options=%7B%22steps%22:1%7D", 400, "XH108"),
        ("/api/model?model=other", 400, "XH108"),
    ],
)
def test_what_cannot_be_answered_says_why(page, caplog, path, status, code):
    answer = page.get(path)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (status, code)
    assert said["message"]
    assert code in caplog.text
    assert page.get("/api/model").status_code == 200


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (f"/api/maps/{SAMPLE}?layer=auto", "layers"),
        (f"/api/maps/{SAMPLE}?metod=gradcam", "method"),
        (f"/api/channels/{SAMPLE}?layer=stage2.down&pages=2", "page"),
        (f"/api/image/{SAMPLE}?slices=1", "slice"),
        (f"/api/image/{SAMPLE}/facts?mode=demo", "model"),
        ("/api/model?models=demo", "model"),
    ],
)
def test_a_word_that_nobody_reads_is_refused_with_the_nearest(page, path, meant):
    got = page.get(path)
    assert (got.status_code, got.json()["code"]) == (400, "XH108")
    assert f"Did you mean {meant!r}?" in got.json()["hint"]


@pytest.mark.parametrize(
    ("path", "word", "meant"),
    [("/api/jobs", "optons", "options"), ("/api/compare", "method", "methods")],
)
def test_a_word_that_nobody_reads_is_refused_in_a_body(page, path, word, meant):
    got = page.post(path, json={"image": SAMPLE, word: "gradcam"})
    assert (got.status_code, got.json()["code"]) == (400, "XH108")
    assert f"There is no {word!r}" in got.json()["message"]
    assert f"Did you mean {meant!r}?" in got.json()["hint"]


def test_a_word_that_nobody_reads_is_refused_on_a_line():
    assert question('{"method": "gradcam", "layers": "auto", "next": true}')["next"]
    with pytest.raises(BadOption, match="Did you mean 'against'"):
        question('{"agianst": "3"}')


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [(b"", 422, "XH202"), (b"<script>", 422, "XH202"), (png()[:200], 422, "XH202")],
)
def test_what_is_no_picture_is_refused(page, data, status, code):
    answer = page.post("/api/image", content=data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_too_many_pixels_are_refused_before_they_are_decoded(held):
    vast = io.BytesIO()
    PIL.Image.new("1", (10_000, 10_000)).save(vast, "PNG")
    answer = client(held).post("/api/image", content=vast.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (413, "XH203")


def test_more_bytes_than_are_taken_are_refused_early(page, monkeypatch):
    monkeypatch.setattr("xai_heatmap.apps.web.addresses.BODY", 1000)

    def parts():
        yield b"x" * 600
        yield b"x" * 600

    assert page.post("/api/image", content=parts()).status_code == 413
    said = page.post("/api/image", content=b"x", headers={"content-length": str(1 << 30)})
    assert said.json()["code"] == "too-long"
