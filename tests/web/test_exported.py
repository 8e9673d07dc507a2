"""The page that runs a network by itself, opened from disk in a browser."""

import base64
import io
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from web.browsing import Asked, browser, drawn, until, violations
from xai_heatmap.core.errors import BadOption
from xai_heatmap.exporting import runtime as runtimes
from xai_heatmap.exporting.page import plain_how

pytestmark = pytest.mark.slow

LAYERS = ["stage1.down", "stage2.down", "auto"]
DONE = ".under .bar"

MAPS = """async ([text, target]) => {
  const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])
  const { id } = await xaiHeatmap.add(blob, 'picture')
  const packet = await xaiHeatmap.maps({ picture: id, target, layers: 'all' })
  const { maps } = xaiHeatmap.facts.network
  const { index } = packet.target
  const answer = await xaiHeatmap.ask({ kind: 'run', key: id, blob, target: index, maps })
  return {
    predictions: packet.predictions.map((one) => [one.label, one.probability]),
    box: packet.maps[0].box,
    layers: packet.maps.map((one) => one.layer),
    values: answer.maps.map((one) => [...one.values]),
    drawn: packet.maps.map(({ bytes, lo, hi }) =>
      [...bytes].map((q) => lo + (q / 255) * (hi - lo))),
  }
}"""

INPUT = """async ([text, how]) => {
  const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])
  const { x, box } = await xaiHeatmap.input(blob, how)
  return { x: [...x], box }
}"""


@pytest.fixture(scope="module")
def chrome():
    try:
        runtimes.runtime(runtimes.cache())
    except BadOption:
        pytest.skip(
            "needs ONNX Runtime for browsers in the user's cache, where this puts it: "
            "xai-heatmap export html demo demo.html"
        )
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "demo.html"
    return xh.export("demo", path, layers=LAYERS[:2])


@pytest.fixture
def page(chrome, exported):
    context = chrome.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    page.asked = Asked(page)
    page.goto(exported.as_uri())
    yield page
    context.close()


def photograph(rows, columns, seed=0):
    """A picture with soft and hard edges, as bytes of a JPEG."""
    draw = np.random.default_rng(seed).integers(0, 255, (rows // 8 + 1, columns // 8 + 1, 3))
    small = PIL.Image.fromarray(draw.astype(np.uint8))
    written = io.BytesIO()
    small.resize((columns, rows), PIL.Image.Resampling.BICUBIC).save(written, "JPEG", quality=90)
    return written.getvalue()


def sent(file):
    return base64.b64encode(file).decode()


def beyond(page):
    """What the page asked for beside itself; what it made within itself is no request."""
    return [url for url in page.asked[1:] if not url.startswith(("blob:", "data:"))]


@pytest.mark.parametrize(("size", "target"), [((300, 401), ""), ((97, 128), "mug")])
def test_maps_are_those_of_python(page, exported, size, target):
    file = photograph(*size)
    found = page.evaluate(MAPS, [sent(file), target])
    for layer, values, shown in zip(LAYERS, found["values"], found["drawn"], strict=False):
        own = xh.explain("demo", file, layer=layer, target=target or None)
        top = np.abs(own.map).max()
        np.testing.assert_allclose(np.array(values), own.map.ravel(), rtol=0, atol=1e-4 * top)
        np.testing.assert_allclose(np.array(shown), own.map.ravel(), rtol=0, atol=3e-3 * top)
        assert found["box"] == pytest.approx(list(own.geometry.box))
    expected = [(one.label, pytest.approx(one.probability, abs=1e-4)) for one in own.predictions]
    assert [tuple(one) for one in found["predictions"]] == expected
    assert found["layers"] == LAYERS[:2]
    assert beyond(page) == []
    assert page.asked.faults == []


def test_a_class_against_another_is_that_of_python(page):
    file = photograph(300, 401)
    found = page.evaluate(
        """async (text) => {
          const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])
          const { id } = await xaiHeatmap.add(blob, 'picture')
          const asked = { picture: id, target: '3', against: '5', layers: 'stage2.down' }
          const { target, maps } = await xaiHeatmap.maps(asked)
          const { bytes, lo, hi } = maps[0]
          return { words: target.words, drawn: [...bytes].map((q) => lo + (q / 255) * (hi - lo)) }
        }""",
        sent(file),
    )
    own = xh.explain("demo", file, layer="stage2.down", target=xh.contrast(3, against=5))
    top = np.abs(own.map).max()
    np.testing.assert_allclose(np.array(found["drawn"]), own.map.ravel(), rtol=0, atol=3e-3 * top)
    assert "rather than" in found["words"]


SIZED = partial(xh.Preprocess, input_size=(65, 64))

HOWS = [
    ((301, 447), xh.Preprocess("imagenet", input_size=(112, 112))),
    ((301, 447), xh.Preprocess("caffe", input_size=(64, 64), resampling="bicubic")),
    ((447, 301), SIZED("unit", fit="letterbox", resampling="lanczos")),
    ((50, 40), xh.Preprocess("tf", fit="letterbox", input_size=(60, 96), resampling="box")),
    ((333, 222), SIZED("torch", fit="squash", half="down", resampling="hamming")),
    ((333, 222), SIZED("raw", channels=1, resampling="nearest", fit="crop", ratio=0.9)),
    ((40, 2600), xh.Preprocess("imagenet", input_size=(32, 48))),
    ((500, 335), xh.Preprocess("imagenet", input_size=(224, 224))),
    ((500, 333), xh.Preprocess("tf", fit="crop", ratio=0.875, input_size=(96, 96))),
    ((450, 97), SIZED("unit", fit="letterbox", resampling="bicubic")),
    ((399, 131), SIZED("torch", fit="stretch", resampling="lanczos")),
    ((2600, 40), xh.Preprocess("imagenet", input_size=(48, 32))),
    ((77, 30), xh.Preprocess("caffe", fit="stretch", input_size=(70, 120))),
    ((517, 101), SIZED("raw", fit="stretch", resampling="nearest")),
]


COMPARED = """async (text) => {
  const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))])
  const { id: picture } = await xaiHeatmap.add(blob, 'picture')
  const layers = xaiHeatmap.facts.layers.map((one) => one.name).slice(0, 1)
  const targets = ['mug', 'bus']
  const told = []
  const tell = ({ done, total }) => told.push([done, total])
  const asked = { picture, model: '', methods: ['gradcam'], layers, targets }
  const compared = await xaiHeatmap.compare(asked, tell, new AbortController().signal)
  const ask = (target) => xaiHeatmap.maps({ picture, target, layers: layers[0] })
  const alone = (await Promise.all(targets.map(ask))).flatMap((one) => one.maps)
  const plain = ({ layer, target, bytes, hi }) => JSON.stringify([layer, target, [...bytes], hi])
  const same = compared.maps.map(plain).join() === alone.map(plain).join()
  return { told, same, n: compared.maps.length }
}"""


def test_classes_side_by_side_are_those_that_are_asked_for_alone(page):
    got = page.evaluate(COMPARED, sent(photograph(97, 128)))
    assert got == {"told": [[0, 2], [1, 2]], "same": True, "n": 2}


@pytest.mark.parametrize(("size", "how"), HOWS)
def test_pictures_are_prepared_to_the_bit_as_in_python(page, size, how):
    file = photograph(*size, seed=3)
    full = how.filled()
    expected, geometry = full(np.asarray(PIL.Image.open(io.BytesIO(file)).convert("RGB")))
    last = full.mode in ("caffe", "torch")
    found = page.evaluate(INPUT, [sent(file), plain_how(full, channels_last=last)])
    native = np.moveaxis(expected, 0, -1) if last else expected
    np.testing.assert_array_equal(np.array(found["x"], np.float32), native.ravel())
    assert found["box"] == list(geometry.box)


@pytest.mark.parametrize("said", [None, "crop"])
def test_a_picture_of_the_inputs_size_is_cropped_where_that_is_said(page, said):
    file = photograph(64, 64)
    own = xh.Preprocess("imagenet", input_size=(64, 64), fit=said)
    expected, geometry = own(np.asarray(PIL.Image.open(io.BytesIO(file))))
    how = plain_how(own.filled(), channels_last=False, as_is=not own.fit_said)
    found = page.evaluate(INPUT, [sent(file), how])
    np.testing.assert_array_equal(np.array(found["x"], np.float32), expected.ravel())
    assert found["box"] == list(geometry.box)
    assert (found["box"] == [0, 0, 64, 64]) == (said is None)


def test_a_picture_and_the_camera_are_looked_at(page, tmp_path):
    (tmp_path / "none.jpg").write_bytes(b"no picture")
    (tmp_path / "own.jpg").write_bytes(photograph(200, 300))
    assert violations(page) == []
    page.set_input_files("input[type=file]", tmp_path / "none.jpg")
    page.wait_for_selector("text=/no picture that this browser reads/")
    page.set_input_files("input[type=file]", tmp_path / "own.jpg")
    page.wait_for_selector(DONE)
    assert page.locator("text=/no picture that/").count() == 0
    first = drawn(page)
    page.keyboard.press("u")
    assert drawn(page) != first
    second = drawn(page)
    page.locator(".class").nth(3).click()
    until(page, "document.querySelectorAll('.class')[3].getAttribute('aria-pressed') === 'true'")
    until(page, "document.querySelector('.busy') === null")
    assert drawn(page) != second
    third = drawn(page)
    page.locator(".pin").nth(0).click()
    page.wait_for_selector(".contrast >> text=/rather than/")
    until(page, "document.querySelector('.busy') === null")
    assert drawn(page) != third
    page.click("nav >> text=Compare")
    until(page, "document.querySelectorAll('.cell').length === 1")  # up to the layer looked at
    page.click("text=methods × classes")
    until(page, "document.querySelectorAll('.cell').length === 3")
    assert violations(page) == []
    page.click("nav >> text=Live")
    page.wait_for_selector("text=/nothing is sent anywhere/")
    page.click("text=Start the camera")
    until(page, "Number(document.querySelector('.figures b')?.innerText) >= 2")
    page.keyboard.press("f")
    page.wait_for_selector("text=/Frozen/")
    page.wait_for_selector(DONE)
    assert beyond(page) == []
    assert page.asked.faults == []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def hosted(chrome, tmp_path_factory):
    """A folder for static hosting, and the address at which a plain server hands it out."""
    folder = xh.export("demo", tmp_path_factory.mktemp("hosted") / "site", layers=LAYERS, web=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_folder_runs_from_any_server_and_asks_that_alone(chrome, hosted):
    _, address = hosted
    page = chrome.new_page()
    page.asked = Asked(page)
    page.goto(address)
    file = photograph(500, 335)
    found = page.evaluate(MAPS, [sent(file), "mug"])
    own = xh.explain("demo", file, layer=LAYERS[0], target="mug")
    expected, top = own.map.ravel(), np.abs(own.map).max()
    np.testing.assert_allclose(np.array(found["values"][0]), expected, rtol=0, atol=1e-4 * top)
    names = ["model.onnx", "ort.js", "ort.wasm"]
    assert sorted(url.removeprefix(address) for url in beyond(page)) == names
    assert violations(page) == []
    assert page.asked.faults == []
    page.close()


def test_a_folder_that_lost_a_file_or_lies_on_a_disk_says_so(chrome, hosted):
    folder, address = hosted
    page = chrome.new_page()
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector("text=/opened over http, not from disk/")
    page.route("**/model.onnx", lambda route: route.fulfill(status=404))
    page.goto(address)
    page.wait_for_selector("text=/the server answered 404/")
    page.close()
