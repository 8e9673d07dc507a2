"""Modules of the package are imported without a look for garbage."""

import gc
import subprocess
import sys

import pytest

from xai_heatmap.core.importing import imported

MAKES = "import gc\nALIVE = gc.isenabled()\nMADE = [[] for _ in range(5000)]\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Name of a module that makes many objects and, as `broken`, then fails."""
    (tmp_path / "made_for_the_test.py").write_text(MAKES)
    (tmp_path / "broken_for_the_test.py").write_text(f"{MAKES}raise ValueError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("made_for_the_test", "broken_for_the_test"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("collecting", [True, False])
def test_nothing_is_collected_meanwhile_and_then_as_before(module, monkeypatch, collecting):
    looked = list[str]()

    def look(phase, _):
        looked.append(phase)

    before = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    gc.callbacks.append(look)
    try:
        found = imported("made_for_the_test")
        assert looked == []
        assert not found.ALIVE
        assert gc.isenabled() is collecting
        assert imported("made_for_the_test") is found
        with pytest.raises(ValueError, match="broken"):
            imported("broken_for_the_test")
        assert gc.isenabled() is collecting
    finally:
        gc.callbacks.remove(look)
        (gc.enable if before else gc.disable)()


ASKED = """
import sys
import xai_heatmap
xai_heatmap.explain
print(*(name in sys.modules for name in ("jaxtyping", "asyncio", "unittest", "zipfile")))
print("xai_heatmap.metrics" in sys.modules)
from xai_heatmap.core.shapes import Float32
print(Float32[int, "h w"])
"""


def test_explain_brings_what_it_shows_and_no_jaxtyping():
    found = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert found == ["False False False False", "False", "typing.Annotated[int, 'Float32 h w']"]
