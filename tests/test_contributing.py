"""What CONTRIBUTING.md shows runs as it stands."""

import doctest
import re
import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest

import xai_heatmap as xh
import xai_heatmap.methods
import xai_heatmap.metrics
from xai_heatmap.core.metric import METRICS, find_metric
from xai_heatmap.core.plugins import GROUPS
from xai_heatmap.core.registry import METHODS
from xai_heatmap.testing.conformance import images
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def module(monkeypatch):
    """Run a block as a module of a name; what it registers is gone afterwards."""
    methods, metrics = dict(METHODS), dict(METRICS)

    def run(name, block):
        made = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(block, "CONTRIBUTING.md", "exec"), vars(made))  # noqa: S102 - our own
        return made

    yield run
    for registry, before in ((METHODS, methods), (METRICS, metrics)):
        registry.clear()
        registry.update(before)


def test_the_method_is_right_and_short(module):
    method, oracle, _, _ = blocks("python")
    assert len([line for line in method.splitlines() if line.strip()]) <= 20
    own = module("xai_heatmap.methods.meancam", method)
    assert doctest.testmod(own).attempted
    assert METHODS["meancam"].remarks == ""
    tested = module("test_meancam", oracle)
    tested.test_it_is_the_mean_of_those_that_speak_for_the_score()
    tested.meancam = lambda a, g: own.meancam(a, g) * 1.01
    with pytest.raises(AssertionError):
        tested.test_it_is_the_mean_of_those_that_speak_for_the_score()


def test_the_method_explains_a_network(module):
    module("xai_heatmap.methods.meancam", blocks("python")[0])
    case = OnnxKit().plain()
    network = xh.network(case.model)
    recording = network.record(images(2), [case.layer])
    gradient = recording.pullback(np.eye(4, dtype=np.float32)[[1, 1]])[case.layer]
    found = xh.maps(network, images(2), method="meancam", layer=case.layer, target=1)
    one = METHODS["meancam"].formula(recording.activations[case.layer][1], gradient[1])
    assert one.any()
    np.testing.assert_allclose(found[1], one, atol=1e-6)


def test_the_metric_is_right(module):
    own = module("own_metric", blocks("python")[2])
    assert doctest.testmod(own).attempted
    assert find_metric("half_area").better == "lower"
    assert find_metric("half_area").remarks.endswith("not how right.")
    assert own.half_area(np.eye(4, dtype=np.float32)) == 0.25


def test_the_kit_runs_a_backend(module):
    pytest.importorskip("torch", reason="needs PyTorch")
    own = module("own_backend", blocks("python")[3])
    (mark,) = own.test_conforms.pytestmark
    checks = {check.__name__: check for check in mark.args[1]}
    assert len(checks) > 30
    own.test_conforms(checks["plain_network_opens"])


def test_entry_points_are_in_groups_that_are_read():
    (block,) = blocks("toml")
    points = tomllib.loads(block)["project"]["entry-points"]
    assert sorted(points) == sorted(f"xai_heatmap.{group}" for group in GROUPS)


def test_commands_are_commands():
    from typer.main import get_command

    from xai_heatmap.apps.cli.app import app

    said = "\n".join(blocks("sh"))
    targets = re.findall(r"^make (\w+)", said, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert {"install", "check", "docs", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    commands = re.findall(r"xai-heatmap (?!explain\b)([a-z]+)", "\n".join([said, PAGE]))
    assert set(commands) <= set(get_command(app).commands)


def test_files_that_are_named_are_there():
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.\w+)?)`", PAGE)
    new = {"src/xai_heatmap/methods/meancam.py", "tests/methods/test_meancam.py"}
    assert len(named) > 12
    tops = (ROOT, ROOT / "src" / "xai_heatmap")
    missing = {name for name in named if not any((top / name).exists() for top in tops)}
    assert missing <= new  # who follows the page has written them
    for wing in ("torch", "keras"):
        for rule in ("libragrad", "deeplift", "bias_terms"):
            assert list((tops[1] / "networks" / wing).rglob(f"{rule}*.py")), (wing, rule)
    for link in re.findall(r"\]\(((?!http)[^)#]+)", PAGE):
        assert (ROOT / link).exists(), link
