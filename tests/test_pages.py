"""Every block of Python in the pages for users runs, and where a peer's call stands beside ours the
maps are compared.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [
    DOCS / name
    for name in (
        "detectors.md",
        "preprocessing.md",
        "targets.md",
        "signals-video-volumes-bands.md",
        "text-and-words.md",
        "data-sets.md",
        "web-app.md",
        "notebooks.md",
        "training.md",
        "findings-in-your-data.md",
        "right-for-the-wrong-reason.md",
        "threads.md",
        "audit.md",
        "metrics/README.md",
    )
] + sorted(
    [
        *(DOCS / "coming-from").glob("*.md"), *(DOCS / "guide").glob("[0-9]*.md"),
        *(DOCS / "howto").glob("[a-z]*.md"),
    ]
)  # fmt: skip
SLOW = (
    "findings-in-your-data", "notebooks", "evidence-for-a-reviewer", "features-without-classes",
    "sliding-windows", "audit",
)  # fmt: skip
PEERS = Path(sys.prefix) / "peers"
SAME = 1e-4
"""The largest difference of two maps, each scaled to [0, 1]."""


class Small(nn.Module):
    """Two stages and five classes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer1 = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.ReLU())
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class TwoHeads(Small):
    """Five breeds and an age."""

    def forward(self, x):
        breed = super().forward(x)
        return {"breed": breed, "age": breed.mean(1, keepdim=True).exp()}


class Boxes(nn.Module):
    """One box for each place of a grid, and a score for each of two classes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.score = nn.Conv2d(3, 4, 8, 8), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        level = self.stem(x).relu()
        y, x = torch.meshgrid(
            torch.arange(level.shape[2]), torch.arange(level.shape[3]), indexing="ij"
        )
        boxes = torch.stack([(x + 0.5) * 8, (y + 0.5) * 8, x * 0 + 16.0, y * 0 + 16.0]).flatten(1)
        boxes = boxes.expand(len(level), -1, -1) + 0 * level.flatten(2)[:, :1]
        return torch.cat([boxes, self.score(level).sigmoid().flatten(2)], 1)


def yolo():
    """An object that calls itself what ultralytics calls its own."""
    base = type("Model", (nn.Module,), {"__module__": "ultralytics.engine.model"})
    held = base()
    held.model, held.names, held.task = Boxes().eval(), {0: "cup", 1: "pen"}, "detect"
    held.model.args = {"imgsz": 128}
    return held


def detector():
    """The trained detector with a head for each level, and beside it a scene that it reads."""
    from training.detectors.planted import planted
    from training.detectors.weights import trained

    PIL.Image.fromarray(planted(3).image).save("scene.png")
    return trained("per level")


def keras_models():
    """A Keras model with and without its softmax."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    given = keras.Input((32, 32, 3))
    a = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="stage1")(given)
    a = keras.layers.Conv2D(12, 3, strides=2, activation="relu", name="stage2")(a)
    pooled = keras.layers.GlobalAveragePooling2D()(a)
    closed = keras.layers.Dense(5, activation="softmax")
    whole = keras.Model(given, closed(pooled))
    logits = keras.layers.Dense(5)
    bare = keras.Model(given, logits(pooled))
    logits.set_weights(closed.get_weights())
    return whole, bare


def of_words():
    """A model of two towers and one that answers in words, each with what it came with."""
    transformers = pytest.importorskip("transformers")
    from tests.networks.speaking_models import speaking
    from tests.networks.text_models import clip, image_processor, tokenizer

    eyes = image_processor()
    pipe = transformers.pipelines.ZeroShotImageClassificationPipeline(
        model=clip(), tokenizer=tokenizer(), image_processor=eyes, device="cpu"
    )
    vlm, vlm_processor = speaking("llava")
    processor = transformers.CLIPProcessor(eyes, tokenizer())
    return {
        "clip": clip(), "processor": processor, "pipe": pipe, "vlm": vlm,
        "vlm_processor": vlm_processor,
    }  # fmt: skip


def names(page):
    """What a page's blocks find there."""
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    photograph = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    found = {"model": Small().eval(), "x": x, "photograph": photograph, "yolo": yolo()}
    found |= {"np": np, "nn": nn, "torch": torch, "xh": xh, "PIL": PIL}
    found["two_heads"] = TwoHeads().eval()
    found["NAMES"] = ["a", "b", "tiger cat", "d", "e"]
    if page.stem == "text-and-words":
        found |= of_words()
    if page.stem == "detectors":
        found["model"] = detector()
    if re.search("keras_(model|logits)", page.read_text("utf-8")):
        found["keras_model"], found["keras_logits"] = keras_models()
        found["images"] = np.random.default_rng(1).normal(size=(1, 32, 32, 3)).astype("f4")
    return found


def blocks(page):
    """Each block of Python: the words behind its fence, its code, and what it prints, where a block
    of text stands directly below it."""
    text = page.read_text("utf-8")
    found = r"```python *([a-z ]*)\n(.*?)```(?:\n```text\n(.*?)```)?"
    return re.findall(found, text, flags=re.DOTALL)


def visible():
    """The peers' folder, last on the path, where it is filled."""
    if not (PEERS / "installed").exists():
        return False
    sys.path.append(str(PEERS))
    from benchmarks.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    return True


def scaled(map_):
    map_ = np.asarray(map_, np.float64)
    return map_ / np.abs(map_).max()


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("cat.jpg", "photo.png"):
        shutil.copy(ROOT / "examples" / "images" / "chelsea.jpg", tmp_path / name)
    own = ROOT / "src/xai_heatmap/networks/loading/demo"
    shutil.copy(next(own.glob("*.onnx")), tmp_path / "model.onnx")
    (tmp_path / "photographs").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 48, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "photographs" / f"cat{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


@pytest.mark.usefixtures("place", "unchecked")
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] if page.stem in SLOW else []) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_every_block_runs(page, capsys):
    known = names(page)
    found = [(code, printed) for words, code, printed in blocks(page) if "theirs" not in words]
    assert found
    for code, printed in found:
        exec(compile(code, page.name, "exec"), known)  # noqa: S102 - our own
        said = capsys.readouterr().out
        assert not printed or said == printed


@pytest.mark.slow
@pytest.mark.usefixtures("place", "unchecked")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "theirs\n" in page.read_text("utf-8")
             or "theirs keras\n" in page.read_text("utf-8")], ids=lambda page: page.stem
)  # fmt: skip
def test_their_call_and_ours_give_one_map(page):
    if not visible():
        pytest.skip("the peers are not installed: make peers")
    known, compared = names(page), 0
    for words, code, _ in blocks(page):
        if "keras" in words and os.environ.get("KERAS_BACKEND") != "tensorflow":
            pytest.skip("the peer needs Keras on TensorFlow")
        exec(compile(code, page.name, "exec"), known)  # noqa: S102 - our own
        if {"theirs", "ours"} <= known.keys():
            ours, theirs = known.pop("ours"), known.pop("theirs")
            assert np.abs(scaled(ours) - scaled(theirs)).max() < SAME, code
            compared += 1
    assert compared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_leads_to_is_there(page):
    links = re.findall(r"\]\(((?!http)[^)#]+)", page.read_text("utf-8"))
    for link in links:
        if link.startswith("touch/"):  # made with the site
            continue
        assert (page.parent / link).exists(), link
    assert PAGES


def test_the_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in PAGES:
        home = page.with_name("README.md")
        first = home if home.exists() else page  # chapters are led to by the page of their folder
        assert str(first.relative_to(ROOT)) in readme, page.name
        assert first == page or f"({page.name})" in home.read_text("utf-8"), page.name
