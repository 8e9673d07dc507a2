"""The page in a browser: what is seen is right, nothing asks the server that need not, and nobody
is left out.
"""

import io
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import PIL.Image
import pyarrow.parquet
import pytest

import xai_heatmap as xh
from web.browsing import Asked, browser, drawn, until, violations
from web.pages import png
from xai_heatmap.apps.web.ending import ENDING

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "docs" / "images" / "web-app.png"
FIRST = "sample-ladybird"
DONE = ".under .bar"
"""Stands below the stage as soon as there is a map."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chrome():
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def link():
    with xh.serve(port=0, browser=False, wait=False) as server:
        yield server


@pytest.fixture
def opened(chrome, link):
    """Open the page; what it asked for and what went wrong is told."""
    made = []

    def open_(at="", *, size=(1280, 800), theme="light"):
        context = chrome.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme
        )
        made.append(context)
        page = context.new_page()
        asked = Asked(page)
        page.goto(link.url + at)
        return page, asked

    yield open_
    for context in made:
        context.close()


@pytest.fixture
def page(opened):
    page, asked = opened()
    page.wait_for_selector(DONE)
    yield page
    assert asked.faults == []
    assert all("//127.0.0.1:" in url or url.startswith(("data:", "blob:")) for url in asked)


def test_looking_asks_nobody(page):
    page.wait_for_load_state("networkidle")
    asked = Asked(page)
    pictures = [drawn(page)]

    def then(act, *given, **how):
        act(*given, **how)
        pictures.append(drawn(page))

    for key in ("u", "u", "T", "p", "g", "v", "v"):  # layers, opacity, palette, cells, side, swipe
        then(page.keyboard.press, key)
    edge = page.locator(".stage").bounding_box()
    middle = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    then(page.mouse.move, middle[0] - 120, middle[1], steps=4)
    page.mouse.up()
    then(page.keyboard.press, "v")  # the map alone
    then(page.keyboard.press, "z")
    page.hover(".rail [aria-checked=true]")
    then(page.mouse.wheel, 0, -200)
    assert len(set(pictures)) == len(pictures)
    assert asked == []


COUNTED = """() => {
  const own = CanvasRenderingContext2D.prototype
  const draw = own.drawImage
  window.resized = 0
  own.drawImage = function (source, ...rest) {
    if (source instanceof ImageBitmap) window.resized++
    return draw.call(this, source, ...rest)
  }
}"""
"""Counts how often a whole picture is drawn to another size, which is what a look would pay for."""


def test_a_still_picture_is_resized_once_for_each_size(page):
    page.wait_for_load_state("networkidle")
    drawn(page)
    page.evaluate(COUNTED)
    looks = {drawn(page)}
    for key in ("u", "T", "p", "g", "o"):  # layers, opacity, palette, cells
        page.keyboard.press(key)
        looks.add(drawn(page))
    assert len(looks) == 6
    assert page.evaluate("resized") == 0
    page.set_viewport_size({"width": 1100, "height": 700})
    until(page, "() => resized > 0")
    before = page.evaluate("resized")
    page.click(".strip .one:not([aria-pressed=true])")
    until(page, "(before) => resized > before", before)
    assert drawn(page) not in looks


def test_the_probe_reads_the_map_at_the_layer_that_is_named(page):
    layer = page.locator(".rail [aria-checked=true] .name").inner_text()
    page.focus(".stage")
    page.keyboard.press("ArrowRight")
    said = page.locator(".tip").inner_text()
    row, column = map(int, re.search(r"row (\d+), column (\d+)", said).groups())
    shown = page.evaluate("document.querySelector('.strip [aria-pressed=true] img').src")
    answer = page.request.get(shown)
    pixels = np.array(PIL.Image.open(io.BytesIO(answer.body())).convert("RGB"))
    true = xh.explain("demo", pixels, layer=layer).map[row - 1, column - 1]
    assert float(said.split()[0]) == pytest.approx(float(true), abs=float(true) * 0.02 + 1e-3)
    assert page.locator("[aria-live]").inner_text().startswith("row ")


def test_classes_contrast_and_methods(page):
    page.keyboard.press("2")
    page.wait_for_selector(".class[aria-pressed=true] >> nth=0")
    second = page.locator(".class").nth(1)
    until(page, "document.querySelectorAll('.class')[1].ariaPressed === 'true'")
    assert second.locator(".label").inner_text() in page.locator("dd").first.inner_text()
    page.keyboard.press("x")
    page.wait_for_selector("text=/rather than/")
    page.keyboard.press("m")
    page.fill("dialog input[type=search]", "hirescam")
    page.click("dialog li button")
    page.click("dialog button.main")
    page.wait_for_selector(".method:has-text('hirescam')")
    until(page, "/-\\d/.test(document.querySelector('.under .bar').innerText)")
    assert "method=hirescam" in page.url


def test_a_dear_method_shows_progress_and_can_be_cancelled(page):
    page.keyboard.press("m")
    page.fill("dialog input[type=search]", "rise")
    page.press("dialog input[type=search]", "Enter")
    page.fill("dialog label:has-text('samples') input", "9000")
    page.click("dialog button.main")
    page.wait_for_selector("progress")
    page.wait_for_selector("text=/So far, after .* the map is not done/")
    page.click("text=Cancel")
    page.wait_for_selector("progress", state="detached")
    page.keyboard.press("m")
    page.fill("dialog label:has-text('samples') input", "64")
    page.click("dialog button.main")
    page.wait_for_selector(DONE)
    page.wait_for_selector("dd:has-text('rise')")
    assert "options=" in page.url


def test_channels_are_ranked_and_one_is_shown(page):
    page.click("text=Show the channels")
    page.wait_for_selector("[role=gridcell]")
    said = page.locator("[role=gridcell] span").all_inner_texts()
    sizes = [abs(float(one.split()[-1])) for one in said]
    assert len(sizes) == 64
    assert sizes == sorted(sizes, reverse=True)
    page.click("button:has-text('Next page')")
    page.wait_for_selector("text=/65.128 of 128/")
    before = drawn(page)
    page.click("[role=gridcell] button")
    assert drawn(page) != before
    assert "not a map of evidence" in page.locator(".under").inner_text()


def test_the_address_brings_everything_back(opened):
    page, _ = opened()
    page.wait_for_selector(DONE)
    for key in ("u", "u", "2", "v", "p", "g", "T"):
        page.keyboard.press(key)
    file = {"name": "<b>mine</b>.png", "mimeType": "image/png", "buffer": png()}
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector(".strip [aria-pressed=true]:has-text('<b>mine</b>.png')")
    page.keyboard.press("3")
    page.wait_for_selector(DONE)
    page.wait_for_load_state("networkidle")
    before = page.url, page.locator(".rail [aria-checked=true]").inner_text(), drawn(page)
    said = dict(one.split("=") for one in before[0].partition("#")[2].split("&"))
    assert said["palette"] == "viridis"
    assert {"img", "layer", "class", "mode", "cells", "opacity"} <= set(said)
    page.reload()
    page.wait_for_selector(DONE)
    page.wait_for_load_state("networkidle")
    assert (page.url, page.locator(".rail [aria-checked=true]").inner_text()) == before[:2]
    assert drawn(page) == before[2]


def test_what_is_no_picture_is_one_clear_state(opened):
    page, _ = opened()
    page.wait_for_selector(DONE)
    file = {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector("[role=alert] >> text='x.png' is not an image")
    page.click("nav >> text=Compare")
    page.wait_for_selector("[role=alert] >> text='x.png' is not an image")
    page.click("nav >> text=Picture")
    page.click(".strip button:has-text('tiger')")
    page.wait_for_selector("[role=alert]", state="detached")
    page.wait_for_selector(DONE)


def test_a_picture_on_its_way_is_told_of_and_can_be_left(page):
    page.route("**/api/image", lambda route: None)  # an upload that lasts
    file = {"name": "large.png", "mimeType": "image/png", "buffer": png()}
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector("[role=status] >> text=reading large.png")
    page.click("text=Cancel")
    page.wait_for_selector("[role=status]", state="detached")
    assert "img=sample-ladybird" in page.url


def test_a_picture_that_is_less_than_a_pixel_high_is_drawn(page):
    thin = png(np.zeros((3, 4000, 3), np.uint8))
    file = {"name": "thin.png", "mimeType": "image/png", "buffer": thin}
    page.set_viewport_size({"width": 380, "height": 740})
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector(".strip button[aria-pressed=true]:has-text('thin.png')")
    until(page, "document.querySelector('.busy') === null")
    assert page.locator(DONE).count() == 1


def test_a_server_that_went_comes_back(opened):
    page, _ = opened()
    page.wait_for_selector(DONE)
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.wait_for_selector("text=/does not answer. The page stays/")
    page.context.set_offline(False)
    page.wait_for_selector("text=/does not answer. The page stays/", state="detached")
    until(page, "document.querySelectorAll('.class')[1]?.ariaPressed === 'true'")


def test_a_server_that_ends_in_the_middle_of_a_job_is_told_of(chrome):
    with xh.serve(port=0, browser=False, wait=False) as server:
        page = chrome.new_page()
        page.goto(server.url + "#method=rise&options=%7B%22samples%22%3A9000%7D")
        page.wait_for_selector("progress")
        server.stop()
    page.wait_for_selector("text=/does not answer. The page stays/")
    page.click("nav >> text=Compare")
    page.wait_for_selector("text=/when the picture itself is explained/")
    page.close()


def test_a_server_on_its_way_out_is_told_of(chrome):
    """The line of a job is refused, and so is every question after that."""
    over = False

    def answered(route):
        nonlocal over
        over = over or "/events" in route.request.url
        if over:
            return route.fulfill(status=503, body=ENDING, content_type="application/json")
        return route.continue_()

    with xh.serve(port=0, browser=False, wait=False) as server:
        page = chrome.new_page()
        page.route("**/api/**", answered)
        page.goto(server.url + "#method=rise&options=%7B%22samples%22%3A9000%7D")
        page.wait_for_selector("text=/does not answer. The page stays/")
        page.close()


def test_the_first_map_of_many_layers_comes_ahead_of_the_others(chrome):
    torch = pytest.importorskip("torch")
    deep = torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 3, 1) for _ in range(45)),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
    )  # fmt: skip
    model = xh.network(deep.eval(), image_shape=(3, 32, 32))
    with xh.serve(model, preprocess="unit", port=0, browser=False, wait=False) as server:
        page = chrome.new_page()
        asked = Asked(page)
        page.goto(server.url)
        file = {"name": "x.png", "mimeType": "image/png", "buffer": png()}
        page.set_input_files("input[type=file]", file)
        page.wait_for_load_state("networkidle")
        page.wait_for_selector(DONE)
        page.locator(".class").nth(1).click()
        page.wait_for_load_state("networkidle")
        page.close()
    layers = [parse_qs(urlsplit(url).query)["layers"] for url in asked if "/api/maps/" in url]
    assert layers[-3:] == [["44"], ["all"], ["all"]]  # of a new picture; of another class


def test_comparing_has_one_cursor(page):
    page.click("nav >> text=Compare")
    page.wait_for_selector(".cell")
    page.wait_for_selector("[role=status]", state="detached")
    page.hover(".cell >> nth=0")
    cells = page.locator(".cell").count()
    assert cells >= 9
    assert page.locator(".cross").count() == page.locator(".probe").count() == cells
    page.click("text=two networks")
    page.wait_for_selector("th:has-text('demo-cheat')")


def test_the_camera_is_explained_and_frozen(page):
    page.click("nav >> text=Live")
    page.click("text=Start the camera")
    until(page, "Number(document.querySelector('.figures b')?.innerText) >= 2")
    first = drawn(page, ".frame canvas")
    page.wait_for_timeout(300)
    assert drawn(page, ".frame canvas") != first
    page.keyboard.press("f")
    page.wait_for_selector("text=/Frozen/")
    page.wait_for_selector(DONE)
    until(page, "document.querySelectorAll('.rail .stamp canvas').length > 5")
    page.keyboard.press("f")
    page.wait_for_selector(".figures")


def test_a_recording_is_a_film_and_its_maps(opened, tmp_path):
    page, _ = opened("#view=live")
    files = []
    page.on("download", lambda file: files.append(file))
    page.click("text=Start the camera")
    page.click("text=Record")
    until(page, "Number(document.querySelector('.figures b')?.innerText) >= 2")
    page.click("button:has-text('■ Stop')")
    for _ in range(200):
        if len(files) == 2:
            break
        page.wait_for_timeout(50)
    assert sorted(Path(one.suggested_filename).suffix for one in files) == [".parquet", ".webm"]
    (maps,) = [one for one in files if one.suggested_filename.endswith(".parquet")]
    maps.save_as(tmp_path / "maps.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "maps.parquet").to_pylist()
    assert len(rows) >= 2
    assert {tuple(row["map_shape"]) for row in rows} == {(16, 16)}
    assert {row["layer"] for row in rows} == {"features"}


WIDE, NARROW, DOUBLE = (1280, 800), (360, 740), (640, 400)
"""A window, a telephone, and a window at 200 %."""

VIEWS = [
    ("picture", "", "light", WIDE),
    ("side", "#mode=side&palette=contour&cells=1", "dark", NARROW),
    ("compare", "#view=compare", "light", NARROW),
    ("live", "#view=live", "dark", DOUBLE),
]
SEEN = {"compare": ".cell", "live": "text=Start the camera"}


@pytest.mark.parametrize(("view", "at", "theme", "size"), VIEWS)
def test_nothing_bars_anybody(opened, view, at, theme, size):
    page, asked = opened(at, theme=theme, size=size)
    page.wait_for_selector(SEEN.get(view, DONE))
    if view == "picture":
        page.click("text=Show the channels")
        page.wait_for_selector("[role=gridcell]")
    assert violations(page) == []
    if view == "side":
        page.keyboard.press("m")
        page.wait_for_selector("dialog[open]")
        assert violations(page) == []
        within = "(own) => own.scrollWidth <= own.clientWidth"
        assert page.locator("dialog[open] .all").evaluate(within)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    assert asked.faults == []


EVERY = """[...document.querySelectorAll('button, input, select, a[href], [tabindex]')].filter(
  (e) => e.checkVisibility() && !e.disabled && e.ariaHidden !== 'true' && !e.closest('dialog'))"""
CELLS = "[...document.querySelectorAll('[role=gridcell] button')]"
MOVED = """(name) => document.activeElement.ariaChecked === 'true'
  && document.activeElement.innerText !== name"""


def test_the_keyboard_reaches_everything(page):
    page.click("text=Show the channels")
    page.wait_for_selector("[role=gridcell]")
    page.evaluate("document.activeElement.blur()")
    page.evaluate(f"{EVERY}.forEach((e, k) => (e.dataset.nth = k))")
    reached = set()
    for _ in range(page.evaluate(f"{EVERY}.length") + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.nth"))
    # Of a list with one stop, arrow keys go to the rest.
    left = page.evaluate(
        f"""(reached) => {EVERY}.filter((e) => !reached.includes(e.dataset.nth)
          && !e.closest('[role=radiogroup], [role=grid]')).map((e) => e.outerHTML.slice(0, 90))""",
        list(reached),
    )
    assert left == []
    page.focus("[role=gridcell] [tabindex='0']")
    page.keyboard.press("ArrowDown")
    until(page, f"{CELLS}.indexOf(document.activeElement) === 6")
    page.focus(".rail [tabindex='0'][role=radio]")
    name = page.locator(".rail [aria-checked=true]").inner_text()
    page.keyboard.press("ArrowUp")
    until(page, MOVED, name)


def test_the_picture_of_the_readme(opened, tmp_path):
    """Written anew with ``PICTURES=write``; otherwise it looks as the app does."""
    page, _ = opened(f"#img={FIRST}", size=(1360, 820), theme="dark")
    page.wait_for_selector(DONE)
    page.click("text=Show the channels")
    page.wait_for_selector("[role=gridcell]")
    page.evaluate("document.querySelector('.chip').innerText = 'ONNX'")
    page.evaluate("document.querySelectorAll('dl div')[5].remove()")
    page.wait_for_timeout(200)
    if os.environ.get("PICTURES") == "write":
        page.screenshot(path=SHIPPED)
    page.screenshot(path=tmp_path / "now.png")
    now, then = (
        np.asarray(PIL.Image.open(path).convert("RGB").resize((340, 205)), int)
        for path in (tmp_path / "now.png", SHIPPED)
    )
    assert np.abs(now - then).mean() <= 6


def test_a_report_from_disk_asks_nobody(chrome, tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    layers, methods = ["stem", "features"], ["gradcam", "hirescam"]
    made = xh.compare("demo", picture, methods=methods, layers=layers, targets=["cat", "bus"])
    made.save(tmp_path / "x.html")
    context = chrome.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    asked = Asked(page)
    page.goto((tmp_path / "x.html").as_uri())
    page.wait_for_selector(DONE)
    assert violations(page) == []
    pictures = [drawn(page)]
    page.keyboard.press("u")
    pictures.append(drawn(page))
    page.click("text=hirescam")
    pictures.append(drawn(page))
    page.click(".class:has-text('bus')")
    pictures.append(drawn(page))
    assert len(set(pictures)) == 4
    page.focus(".stage")
    page.keyboard.press("ArrowRight")
    assert "row" in page.locator(".tip").inner_text()
    page.click("text=All pictures")
    page.wait_for_selector("table img")
    assert violations(page) == []
    page.emulate_media(media="print")
    page.wait_for_selector(".paper figure")
    assert page.locator(".paper figure").count() == 4
    assert page.locator(".report").is_hidden()
    assert asked.faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1
    context.close()


def test_a_long_name_leaves_its_figure_in_sight(chrome, tmp_path):
    long = "a tailed frog of streams, also known as a ribbed toad, or as a bell toad"
    picture = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    labels = [f"{long} {number}" for number in range(12)]
    xh.compare("demo", picture, labels=labels, layers="auto").save(tmp_path / "x.html")
    context = chrome.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "x.html").as_uri())
    page.wait_for_selector(DONE)
    ends = page.evaluate(
        "[...document.querySelectorAll('.class .score')].map(e => e.getBoundingClientRect().right)"
    )
    assert len(ends) >= 3
    assert max(ends) <= 1280
    context.close()
