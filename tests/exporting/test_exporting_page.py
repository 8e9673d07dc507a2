"""A network as one page: what is in it, what is refused, and where its runtime comes from."""

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption, OutputError
from xai_heatmap.exporting import page as pages
from xai_heatmap.exporting import runtime as runtimes
from xai_heatmap.exporting.runtime import SCRIPT, WASM, Runtime, runtime
from xai_heatmap.networks.onnx.metadata import METHOD, metadata

LABELS = ["cat", "dog", "</script><b>fox", "<!-- owl"]


def network(*, images="n", closing="", kind=TensorProto.FLOAT):
    """Convolution, ReLU, average and linear layer on pictures of 3x8x8."""
    draw = np.random.default_rng(0).normal
    weights = {"w": draw(size=(5, 3, 3, 3)), "v": draw(size=(5, 4))}
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "v"], ["z" if closing else "scores"]),
    ]
    if closing:
        nodes.append(helper.make_node(closing, ["z"], ["scores"]))
    graph = helper.make_graph(
        nodes if kind != TensorProto.FLOAT else [*_direct(nodes)],
        "small",
        [helper.make_tensor_value_info("image", kind, [images, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [images, 4])],
        [numpy_helper.from_array(own.astype(np.float32), name) for name, own in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _direct(nodes):
    nodes[1].input[0] = "image"
    return nodes[1:]


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """What the first export of a process loads."""
    xh.export(network(), tmp_path_factory.mktemp("warm") / "file.onnx")


@pytest.fixture
def carried(monkeypatch):
    """A runtime that runs nothing, in place of 14 MB."""
    own = Runtime(b"export const env = 1", b"\0asm" + bytes(1000))
    monkeypatch.setattr(pages, "runtime_of", lambda folder, say: own)
    return own


def parts(path):
    """Elements of a page by their ids, those that are compressed as bytes."""
    text = path.read_text("utf-8")
    found = dict(re.findall(r'<script type="[^"]+" id="(\w+)">(.*?)</script>', text, re.DOTALL))
    packed = {
        name: gzip.decompress(base64.b64decode(found[name]))
        for name in ("runtime", "wasm", "graph")
    }
    return found | packed | {"facts": json.loads(found["facts"])}


def test_a_page_holds_its_network_and_its_runtime(carried, tmp_path):
    said = []
    path = tmp_path / "look.html"
    made = xh.export(
        network(), path, preprocess="imagenet", labels=LABELS, layers=["relu"], progress=said.append
    )
    assert made == path
    held = parts(path)
    assert held["runtime"] == carried.script
    assert held["wasm"] == carried.wasm
    graph = onnx.load_model_from_string(held["graph"])
    assert metadata(graph)[METHOD] == "gradcam"
    assert [value.name for value in graph.graph.output] == ["scores", "cam_0"]
    facts = held["facts"]
    assert facts["labels"] == LABELS
    assert facts["classes"] == 4
    assert facts["answers"] == "logits"
    assert facts["network"] == {
        "input": "image", "scores": "scores", "maps": ["cam_0"], "shape": [3, 8, 8],
        "contrasts": True,
    }  # fmt: skip
    assert [(one["name"], one["shape"]) for one in facts["layers"]] == [("relu", [6, 6])]
    assert facts["how"]["size"] == [8, 8]
    assert facts["how"]["mean"] == [0.485, 0.456, 0.406]
    assert said[-1] == "writing the page"


def test_a_page_may_ask_nobody(carried, tmp_path):
    path = xh.export(network(), tmp_path / "look.html", preprocess="unit")
    text = path.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'")
    assert "connect-src" not in policy
    assert "http" not in policy
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "MIT licence. Copyright (c) Microsoft" in text


@pytest.mark.parametrize("closing", ["", "Softmax"])
@pytest.mark.parametrize(
    ("method", "layers"),
    [("gradcam", ["relu"]), ("layercam", ["relu", "c"]), ("hirescam", ["c"])],
)
def test_a_page_holds_a_class_against_another(method, layers, closing, carried, tmp_path):
    model = network(closing=closing)
    how = {"preprocess": "unit", "method": method, "layers": layers}
    page = parts(xh.export(model, tmp_path / "look.html", **how))
    x = np.random.default_rng(5).normal(size=(2, 3, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(page["graph"])
    assert page["facts"]["network"]["contrasts"]
    for asked, target in (((3, 1), xh.contrast(3, against=1)), ((2, -1), 2), ((-1, -1), None)):
        given = {"class_index": asked[:1], "against_index": asked[1:]}
        feeds = {name: np.array(value, np.int64) for name, value in given.items()}
        found = session.run(page["facts"]["network"]["maps"], {"image": x, **feeds})
        expected = xh.maps(model, x, method=method, layer=layers, target=target)
        for own, name in zip(found, layers, strict=True):
            np.testing.assert_allclose(own, expected[name], atol=1e-6)
    assert np.abs(found[0]).max() > 0


def test_a_page_without_gradients_holds_no_class_against_another(carried, tmp_path):
    path = xh.export(network(), tmp_path / "look.html", preprocess="unit", method="eigencam")
    held = parts(path)
    assert not held["facts"]["network"]["contrasts"]
    names = [value.name for value in onnx.load_model_from_string(held["graph"]).graph.input]
    assert "against_index" not in names


@pytest.mark.parametrize(
    ("closing", "answers"),
    [("", "logits"), ("Softmax", "softmax"), ("Sigmoid", "sigmoid"), ("LogSoftmax", "log-softmax")],
)
def test_a_page_knows_what_scores_are(closing, answers, carried, tmp_path):
    path = xh.export(network(closing=closing), tmp_path / "look.html", preprocess="unit")
    assert parts(path)["facts"]["answers"] == answers


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("caffe", {"reversed": True, "divisor": 1.0, "border": None, "fit": "stretch"}),
        ("tf", {"reversed": False, "divisor": 127.5, "mean": [1.0], "std": [1.0]}),
        (xh.Preprocess("unit", fit="letterbox"), {"border": 114.0, "fit": "letterbox"}),
        (
            xh.Preprocess(resampling="bicubic", half="down"),
            {"resampling": "bicubic", "half": "down"},
        ),
    ],
)
def test_a_page_knows_how_pictures_are_prepared(said, expected, carried, tmp_path):
    path = xh.export(network(), tmp_path / "look.html", preprocess=said)
    how = parts(path)["facts"]["how"]
    assert {name: how[name] for name in expected} == expected
    assert how["as_is"] == (not isinstance(said, xh.Preprocess) or not said.fit_said)


@pytest.mark.parametrize(
    ("model", "how", "words"),
    [
        (network(), {}, "nobody says how"),
        (network(images=2), {"preprocess": "unit"}, "exactly 2"),
        (network(kind=TensorProto.FLOAT16), {"preprocess": "unit"}, "takes float16"),
    ],
)
@pytest.mark.filterwarnings("ignore:The exported file takes exactly")
def test_what_a_page_can_not_show_is_refused(model, how, words, carried, tmp_path):
    with pytest.raises(BadOption, match=words):
        xh.export(model, tmp_path / "look.html", **how)
    assert not list(tmp_path.iterdir())


def test_a_large_model_is_refused_before_it_is_exported(carried, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "LARGEST", 500)
    file = tmp_path / "large.onnx"
    onnx.save(network(), file)

    def never(path):
        pytest.fail("it was exported")

    words = r"large\.onnx has .* MB.*xai-heatmap export web large\.onnx FOLDER"
    with pytest.raises(BadOption, match=words):
        pages.write_page(never, tmp_path / "look.html", model=str(file))
    with pytest.raises(BadOption, match="web=True"):
        xh.export(network(), tmp_path / "look.html", preprocess="unit")
    assert xh.export(network(), tmp_path / "site", preprocess="unit", web=True).is_dir()


def test_a_page_in_no_folder_and_a_runtime_of_a_file_are_refused(carried, tmp_path):
    with pytest.raises(OutputError, match="no such folder"):
        xh.export(network(), tmp_path / "none" / "look.html", preprocess="unit")
    with pytest.raises(BadOption, match=r"goes into a page, name\.html"):
        xh.export(network(), tmp_path / "file.onnx", runtime=tmp_path)


@pytest.mark.parametrize("kind", [["html"], []])
def test_the_command_writes_a_page(kind, carried, tmp_path, capsys):
    file, path = tmp_path / "small.onnx", tmp_path / "look.html"
    onnx.save(network(), file)
    call = ["export", *kind, str(file), str(path), "--preprocess", "unit", "--json"]
    assert main(call) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == path.stat().st_size
    assert parts(path)["facts"]["title"] == "small.onnx"


def test_a_folder_holds_the_page_and_its_files(carried, tmp_path, capsys):
    file, folder = tmp_path / "small.onnx", tmp_path / "site"
    onnx.save(network(), file)
    folder.mkdir()
    (folder / "CNAME").write_text("mine")
    call = ["export", "web", str(file), str(folder), "--preprocess", "unit", "--json"]
    for _ in range(2):  # what it wrote itself it writes again
        assert main(call) == 0
        size = json.loads(capsys.readouterr().out)["bytes"]
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(held) == ["CNAME", "index.html", "model.onnx", "ort.js", "ort.wasm"]
    assert held["CNAME"] == b"mine"
    assert size == sum(map(len, held.values())) - 4
    assert held["ort.js"] == carried.script
    assert held["ort.wasm"] == carried.wasm
    graph = onnx.load_model_from_string(held["model.onnx"])
    assert [value.name for value in graph.graph.output] == ["scores", "cam_0"]
    text = held["index.html"].decode()
    found = dict(re.findall(r'<script type="[^"]+" id="(\w+)">(.*?)</script>', text, re.DOTALL))
    assert found["runtime"] == found["wasm"] == found["graph"] == ""
    files = json.loads(found["facts"])["files"]
    assert {part: len(held[one["url"]]) for part, one in files.items()} == {
        part: one["bytes"] for part, one in files.items()
    }
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "connect-src 'self';" in policy
    assert "http" not in policy


def test_a_folder_that_holds_another_page_is_left_alone(carried, tmp_path):
    (tmp_path / "index.html").write_text("<h1>mine</h1>")
    with pytest.raises(OutputError, match=r"another index\.html"):
        xh.export(network(), tmp_path, preprocess="unit", web=True)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    (tmp_path / "site").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        xh.export(network(), tmp_path / "site", preprocess="unit", web=True)


@pytest.mark.parametrize("name", ["look.html", "file.onnx"])
def test_for_static_hosting_a_folder_is_named(name, tmp_path):
    with pytest.raises(BadOption, match="Name a folder"):
        xh.export(network(), tmp_path / name, preprocess="unit", web=True)


def test_html_stands_before_a_page_alone(tmp_path, capsys):
    assert main(["export", "html", "small.onnx", str(tmp_path / "file.onnx")]) == 2
    assert "unexpected extra argument" in capsys.readouterr().err


FILES = {SCRIPT: b"script", WASM: b"wasm"}


@pytest.fixture
def known(monkeypatch, tmp_path):
    """A cache of its own, and digests of files that are small."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(runtimes, "DIGESTS", digests)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("below", runtimes.WHERE)
def test_the_runtime_of_a_folder(below, tmp_path):
    put(tmp_path / below, FILES)
    assert runtime(tmp_path) == Runtime(b"script", b"wasm")


@pytest.mark.usefixtures("known")
def test_another_runtime_is_refused(tmp_path):
    with pytest.raises(BadOption, match=rf"no {SCRIPT}.*npm pack"):
        runtime(tmp_path)
    put(tmp_path, FILES | {WASM: b"other"})
    with pytest.raises(BadOption, match="SHA-256"):
        runtime(tmp_path)


class Npm:
    """npm that writes an archive with these files, or fails."""

    def __init__(self, monkeypatch, files=FILES, *, fails=""):
        self.calls, self.files, self.fails = 0, files, fails
        monkeypatch.setattr(runtimes.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(runtimes.subprocess, "run", self)

    def __call__(self, call, *, cwd, **_):
        self.calls += 1
        assert call[1:3] == ["pack", "onnxruntime-web@1.30.0"]
        if self.fails:
            return subprocess.CompletedProcess(call, 1, "", self.fails)
        with tarfile.open(Path(cwd) / "onnxruntime-web-1.30.0.tgz", "w:gz") as archive:
            for name, content in self.files.items():
                entry = tarfile.TarInfo(f"package/dist/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return subprocess.CompletedProcess(call, 0, "", "")


@pytest.mark.usefixtures("known")
def test_npm_fetches_the_runtime_once(monkeypatch):
    npm, said = Npm(monkeypatch), []
    for _ in range(2):
        assert runtime(say=said.append) == Runtime(b"script", b"wasm")
    assert npm.calls == 1
    assert len(said) == 1
    put(runtimes.cache(), {WASM: b"broken"})
    assert runtime() == Runtime(b"script", b"wasm")
    assert npm.calls == 2


@pytest.mark.usefixtures("known")
def test_without_a_runtime_it_is_said_where_one_is(monkeypatch):
    monkeypatch.setattr(runtimes.shutil, "which", lambda name: None)
    with pytest.raises(OutputError, match=r"npm is not installed.*--runtime FOLDER"):
        runtime()
    Npm(monkeypatch, fails="\nnpm error network\n")
    with pytest.raises(OutputError, match=r"npm error network.*--runtime FOLDER"):
        runtime()
    Npm(monkeypatch, {SCRIPT: b"script", WASM: b"other"})
    with pytest.raises(OutputError, match=f"{WASM} of the package"):
        runtime()
    assert not runtimes.cache().exists()


@pytest.mark.parametrize("web", [True, False])
def test_a_page_is_never_written_over_the_model(carried, tmp_path, web):
    file = tmp_path / "model.onnx"
    onnx.save(network(), file)
    (tmp_path / "page.html").symlink_to(file)
    before = file.read_bytes()
    with pytest.raises(BadOption, match="written over"):
        xh.export(file, tmp_path if web else tmp_path / "page.html", preprocess="unit", web=web)
    assert file.read_bytes() == before


@pytest.mark.parametrize("kind", ["onnx", "html"])
def test_labels_are_never_written_over(carried, tmp_path, capsys, kind):
    file, labels = tmp_path / "small.onnx", tmp_path / f"labels.{kind}"
    onnx.save(network(), file)
    labels.write_text("a\nb\nc\nd\n")
    call = ["export", str(file), str(labels), "--labels", str(labels), "--preprocess", "unit"]
    assert main(call) == 2
    assert "written over" in capsys.readouterr().err
    assert labels.read_text() == "a\nb\nc\nd\n"
