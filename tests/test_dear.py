"""Which tests are left to `make test` for what they cost."""

import dear


def test_names_are_those_that_cost_too_much_and_the_former_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(dear, "WRITTEN", tmp_path / "dear.txt")
    dear.WRITTEN.write_text("a.py::gone\na.py::cheaper\n", "utf-8")
    found = {
        "a.py::first": (dear.DEAR + 1, False),
        "a.py::cheaper": (0.01, False),
        "a.py::dear": (dear.DEAR + 0.01, False),
        "a.py::slow": (dear.DEAR + 1, True),
        "b.py::first": (0.01, False),
        "b.py::dear": (dear.DEAR + 0.01, False),
    }
    assert dear.written(found) == "a.py::dear\na.py::gone\nb.py::dear\n"


def test_names_stand_in_order_once():
    names = dear.WRITTEN.read_text("utf-8").splitlines()
    assert names == sorted(set(names))
    assert set(names) == dear.dear()
