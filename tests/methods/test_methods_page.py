"""The pages of methods say what the methods say."""

import importlib.util
import json
import re
from pathlib import Path

import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.core.registry import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "methods"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("methods_page", DOCS / "generate_methods.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_every_page_is_up_to_date(generator):
    told = generator.pages()
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert written == told, "run: make docs"
    assert {f"{name}.md" for name in METHODS} < set(written)
    assert not (DOCS / "methods.md").exists(), "a page for each method lies in docs/methods/"


@pytest.mark.slow
def test_every_link_leads_to_a_file_and_a_heading(generator):
    for name, text in generator.pages().items():
        for link in re.findall(r"\]\(([^)]+)\)", text):
            path, _, heading = link.partition("#")
            target = FOLDER / path
            assert target.exists(), f"{name}: {link}"
            if heading:
                titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                known = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
                assert heading in known, f"{name}: {link}"


def test_figures_are_small_and_belong_to_methods_that_are_there():
    facts = json.loads((FOLDER / "figures.json").read_text("utf-8"))
    pictures = {path.stem: path for path in (FOLDER / "images").iterdir()}
    shown = {name for name, maps in facts.items() if any("refused" not in one for one in maps)}
    photographs = json.loads((FOLDER / "photographs.json").read_text("utf-8"))
    assert set(photographs) <= set(METHODS), "run: make docs"
    shown |= {f"photo_{name}" for name, one in photographs.items() if "refused" not in one}
    assert shown == set(pictures)
    assert {name.removeprefix("photo_") for name in shown} <= set(METHODS)
    assert max(path.stat().st_size for path in pictures.values()) <= 30_000


def test_a_method_that_nobody_measured_is_not_measured(generator, monkeypatch, tmp_path):
    monkeypatch.setattr(generator.measured, "BENCHMARKS", tmp_path)
    assert "| Measured | not measured |" in generator.pages()["gradcam.md"]
    row = {"method": "gradcam", "network": "resnet50", "ratio": 1.234, "megabytes": 7.0}
    rows = [row | {"framework": "torch", "options": {"samples": 3}}]
    rows += [rows[0] | {"framework": "onnx", "ratio": 9.0}]
    dear = {"method": "rise", "network": "resnet50", "framework": "torch"}
    costs = {"rows": [*rows, dear | {"refused": "took more than 300 s"}]}
    (tmp_path / "costs.json").write_text(json.dumps(costs))
    truth = {"objects": [["gradcam", "features", "energy / area", 2.5, 500],
                         ["gradcam", "features", "pointing game", 0.75, 500]]}  # fmt: skip
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    told = generator.pages()
    assert (
        "ResNet-50: 1.2 x with samples=3, 7 MB more; MobileNetV2: not measured"
        in told["gradcam.md"]
    )
    assert "2.50 times as much heat" in told["gradcam.md"]
    assert "ResNet-50: took too long" in told["rise.md"]
    (line,) = [line for line in told["which.md"].splitlines() if line.startswith("| [`gradcam`]")]
    assert (
        "| 1.2 x with samples=3 | not measured | 7 MB | 500 | 2.50 | 75 % | not measured |" in line
    )


def test_every_method_is_measured(generator):
    told = generator.pages()["which.md"].splitlines()
    rows = {name: line for line in told for name in METHODS if line.startswith(f"| [`{name}`]")}
    assert set(rows) == set(METHODS)
    missing = ",".join(name for name, line in rows.items() if "not measured" in line)
    assert not missing, f"run: make measured METHODS={missing}; then: make docs"


def test_methods_stand_where_they_can_be_measured(generator):
    """Attention is measured on a transformer, a fusion at its finest layer, pixels at no other."""
    measured = generator.measured
    told = generator.pages()["which.md"].splitlines()
    rows = {line.split("`")[1]: line.split(" | ")[2:] for line in told if line.startswith("| [`")}
    first, second, memory, *right = rows["attention_relevance"]
    assert first.endswith("x on DeiT-Ti")
    assert memory.endswith("MB on DeiT-Ti")
    assert [second, *right] == ["–", "–", "–", "–", "– |"]
    fused = measured.right("layercam_fused", "stem", "energy / area")
    assert fused != measured.right("layercam_fused", "features", "energy / area")
    assert rows["layercam_fused"][4] == f"{fused:.2f}"
    assert {rows[name][-1] for name in ("cam", "saliency", "rise")} == {"– |"}
    assert all("–" not in cell for cell in rows["gradcam"])


@pytest.mark.slow
def test_pages_of_one_s_own_show_one_s_photograph(generator, monkeypatch, tmp_path):
    few = {name: METHODS[name] for name in ("gradcam", "attention_relevance")}
    monkeypatch.setattr(generator, "METHODS", few)
    photo, out = tmp_path / "me.png", tmp_path / "mine"
    PIL.Image.fromarray(scenes.scene(3).image).save(photo)
    asked = ["pages", "--photo", str(photo), "--model", "demo", "--out", str(out)]
    monkeypatch.setattr("sys.argv", asked)
    generator.main()
    page = (out / "gradcam.md").read_text("utf-8")
    for picture in ("images/gradcam.webp", "images/photo_gradcam.webp"):
        assert f"]({picture})" in page
        with PIL.Image.open(out / picture) as drawn:
            assert drawn.width > drawn.height  # tiles side by side
    said = xh.explain("demo", photo)
    assert f"why {said.network} says {said.target} ({said.score:.3g}), at `features`" in page
    assert "On the photograph it refuses: A network with attention is needed" in (
        out / "attention_relevance.md"
    ).read_text("utf-8")
    with pytest.raises(SystemExit):  # the folder is there, and may hold what is dear to someone
        generator.main()


def test_every_method_answers_some_question(generator):
    questions = generator.which_method.QUESTIONS.values()
    assert all(any(chooses(method) for method in METHODS.values()) for chooses, _ in questions)
