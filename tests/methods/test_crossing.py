"""The table of methods and backends leaves out nothing that a formula may need."""

from crossing import FULL, crossed, of_each_kind
from xai_heatmap.core.registry import METHODS


def test_every_set_of_needs_has_a_method_on_every_backend():
    pairs = crossed(METHODS, ["torch", "onnx", "keras"])
    needs = {method.needs for method in METHODS.values()}
    for kind in ("torch", "onnx", "keras"):
        assert {METHODS[name].needs for name, where in pairs if where == kind} == needs


def test_every_method_is_on_two_backends():
    pairs = crossed(METHODS, [*FULL, "keras"])
    for name in METHODS:
        assert {kind for named, kind in pairs if named == name} >= set(FULL)
    assert len(of_each_kind(METHODS)) < len(METHODS)
