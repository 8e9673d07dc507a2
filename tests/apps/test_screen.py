"""What a person sees: the same words, fitted to the window, with bars."""

import re

import pytest

from xai_heatmap.apps.cli import layers, methods
from xai_heatmap.apps.cli import terminal as show
from xai_heatmap.apps.cli import text as said

LONG = "\n".join(f"{name} with a very long name, also known as {name} the second" for name in "abc")


@pytest.fixture
def screen(monkeypatch):
    def of(width):
        monkeypatch.setattr(show, "on_screen", lambda: True)
        for module in (said, layers, methods):
            monkeypatch.setattr(module, "on_screen", lambda: True)
        monkeypatch.setenv("COLUMNS", str(width))

    return of


@pytest.mark.parametrize("width", [80, 120])
def test_predictions_fit_the_window(explain, place, screen, width):
    (place / "long.txt").write_text(LONG)
    screen(width)
    told = explain("--labels", "long.txt")
    assert "█" in told.out
    lines = [line for line in told.out.splitlines() if not line.startswith("picture")]
    assert max(map(len, lines)) <= width


def test_a_path_is_never_broken(explain, place, screen):
    (place / "long.txt").write_text(LONG)
    screen(60)
    line = next(x for x in explain("--labels", "long.txt").out.splitlines() if "picture" in x)
    assert line.endswith(".png")


def test_layers_tell_of_those_left_out(cli, screen):
    screen(80)
    assert "3 more have no grid" in cli("layers", "net.py:net").out


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_of_methods_fits_the_window(cli, screen, width, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen(width)
    told = cli("methods")
    assert told.code == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in told.out.splitlines()]
    assert max(map(len, lines[:-1])) <= width
    assert "Selvaraju" in told.out
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", told.out)  # bold is no colour
