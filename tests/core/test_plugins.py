"""What other packages bring: methods, metrics and networks by entry points."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import xai_heatmap as xh
import xai_heatmap.methods
import xai_heatmap.metrics
from xai_heatmap.core import plugins
from xai_heatmap.core.errors import ModelNotFound, NotAModel, UnknownMethod
from xai_heatmap.core.metric import METRICS, all_metrics, find_metric
from xai_heatmap.core.registry import METHODS, MODIFIERS, all_methods, find_method

MODULES = {
    "own_good": """
        import xai_heatmap as xh

        @xh.method(cite="A talk by J. Doe", use_when="a test wants it")
        def own_mean(activation):
            '''L = Σₖ Aₖ / k.'''
            return activation.mean(axis=0)

        @xh.metric(better="lower", cite="", use_when="a test wants it")
        def own_largest(heat):
            '''max H.'''
            return float(heat.max())
    """,
    "own_bad": """
        import xai_heatmap as xh

        @xh.method(cite="", use_when="never")
        def half_done(activation):
            return activation[0]

        raise RuntimeError("no driver\\nfound here")
    """,
    "own_taken": """
        import xai_heatmap as xh

        @xh.method(cite="", use_when="never")
        def gradcam(activation):
            return activation[1]

        @xh.method(cite="", use_when="a test wants it")
        def beside_it(activation):
            return activation[0]
    """,
    "own_leaves": "raise SystemExit(3)",
    "own_zoo": """
        from xai_heatmap import Network, network

        class Thing:
            '''No module, no function.'''

        def load(name):
            if name != "one":
                raise ValueError(name)
            return lambda x: x.mean((2, 3))

        def opened(model, **options):
            return network(lambda x: x.mean((2, 3)), image_shape=(3, 8, 8))

        def nothing(model, **options):
            return 3

        class Other:
            pass
    """,
}
RUN = "from xai_heatmap.apps.cli import main; main()"
POINTS = """
[xai_heatmap.methods]
bad = own_bad
good = own_good
leaves = own_leaves
missing = own_absent
taken = own_taken

[xai_heatmap.metrics]
good = own_good

[xai_heatmap.networks]
own = own_zoo:load
timm = own_zoo:load
broken = own_zoo:absent
own_zoo.Thing = own_zoo:opened
own_zoo.Other = own_zoo:nothing
"""


def install(folder):
    """A package as pip leaves it in a folder."""
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
    facts = folder / "own_maps-1.5.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: own-maps\nVersion: 1.5\n")
    (facts / "entry_points.txt").write_text(POINTS)
    return folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package above is installed; afterwards it is gone, and so is what it registered."""
    registries = (METHODS, MODIFIERS, METRICS)
    before = [dict(registry) for registry in registries]
    monkeypatch.syspath_prepend(install(tmp_path))
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setattr(plugins, "_told", set())
    forget = plugins.found.cache_clear
    forget()
    yield
    forget()
    for registry, own in zip(registries, before, strict=True):
        registry.clear()
        registry.update(own)
    for name in MODULES:
        sys.modules.pop(name, None)


def opened():
    return xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 8, 8))


def test_nothing_is_read_for_a_name_that_is_there(package, monkeypatch):
    def fail(group):
        raise AssertionError(group)

    monkeypatch.setattr(plugins, "found", fail)
    assert find_method("smooth:gradcam").needs == {"image", "again"}
    assert find_metric("insertion").better == "higher"


def test_a_method_and_a_metric_are_found_by_their_names(package):
    own = find_method("own_mean")
    activation = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    np.testing.assert_array_equal(own.formula(activation), activation.mean(axis=0))
    assert find_metric("own_largest").family == "other"
    assert find_method("smooth:own_mean").name == "smooth:own_mean"
    x = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    found = xh.maps(opened(), x, method="own_mean", layer="input")
    np.testing.assert_allclose(found, x.mean(axis=1), atol=1e-6)


def test_a_name_that_nobody_brings_stays_unknown(package):
    with pytest.raises(UnknownMethod, match="Did you mean 'own_mean'"):
        find_method("own_means")
    with pytest.raises(UnknownMethod, match="nothing called 'blurred'"):
        find_method("blurred:own_mean")


def test_what_fails_is_left_out_with_one_line_each(package, capsys):
    before = METHODS["gradcam"]
    methods = all_methods()
    all_methods()
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("xai-heatmap: entry point") for line in lines)
    assert all("of own-maps 1.5, in xai_heatmap.methods" in line for line in lines)
    bad, leaves, missing, taken = lines
    assert bad.endswith("RuntimeError: no driver found here")
    assert leaves.endswith("SystemExit: 3")
    assert "'missing'" in missing
    assert "own_absent" in missing
    assert "'gradcam' exists already and stays" in taken
    assert methods["gradcam"] is before
    assert {"own_mean", "beside_it"} <= set(methods)
    assert "half_done" not in methods
    assert "own_largest" in all_metrics()


def test_a_module_that_was_imported_before_is_read_too(package, capsys):
    import own_good  # noqa: F401 - by its user

    registered = plugins.registered("methods", (METHODS, MODIFIERS))
    assert next(p for p in registered if p.name == "good").brings == ("own_mean",)


def test_a_prefix_and_a_class_of_another_package_become_networks(package, capsys):
    import own_zoo

    x = np.ones((1, 3, 8, 8), np.float32)
    for model in ("own:one", own_zoo.Thing()):
        network = xh.network(model, image_shape=(3, 8, 8)) if model == "own:one" else None
        network = network or xh.network(model)
        np.testing.assert_allclose(network.record(x).scores, np.ones((1, 3)), atol=1e-6)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1, "once in a process"
    assert "'timm' comes with xai-heatmap and stays" in said[0]
    with pytest.raises(ModelNotFound, match="'broken' of own-maps"):
        xh.network("broken:one")
    with pytest.raises(ModelNotFound, match="no hub"):
        xh.network("nobody:one")
    with pytest.raises(NotAModel, match="Network was expected"):
        xh.network(own_zoo.Other())


def test_doctor_lists_all_of_it(package, capsys):
    from xai_heatmap.apps.cli.doctor import _plugins

    found = {(p.group, p.name): p for p in _plugins()}
    assert len(found) == 11
    assert found["methods", "good"].brings == ("own_mean",)
    assert found["metrics", "good"].brings == ("own_largest",)
    assert found["methods", "taken"].brings == ("beside_it",)
    assert found["networks", "own"].problem == ""
    assert "stays" in found["networks", "timm"].problem
    broken = {key for key, plugin in found.items() if plugin.problem}
    names = {"bad", "leaves", "missing", "taken"}
    assert broken == {("networks", "timm"), ("networks", "broken")} | {
        ("methods", n) for n in names
    }


@pytest.mark.slow
def test_the_command_line_goes_on_beside_a_broken_package(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "methods", "--json"],
        env={"PYTHONPATH": f"{install(tmp_path)}:{':'.join(sys.path)}", "PATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert '"own_mean"' in ran.stdout
    assert '"A talk by J. Doe"' in ran.stdout
    assert len(ran.stderr.splitlines()) == 4
