"""What other people's code does while it is loaded: told in words, and undone."""

import os
import sys
from pathlib import Path

import pytest

from xai_heatmap.core.errors import NotAModel
from xai_heatmap.networks.loading.factory import load_factory
from xai_heatmap.networks.loading.load import load

NET = "from torch import nn\ndef build():\n    return nn.Linear(2, 2)\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def to(text):
        (tmp_path / "net.py").write_text(text)
        return "net.py:build"

    return to


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.exit(0)\n" + NET,
        "import sys\ndef build():\n    sys.exit()\n",
        "def build():\n    raise SystemExit('no licence')\n",
        "def build():\n    quit(3)\n",
        "import argparse\nargparse.ArgumentParser().parse_args()\n" + NET,
        "from argparse import ArgumentParser as P\ndef build():\n    P().parse_args()\n",
    ],
)
def test_what_ends_the_program_is_told(write, text):
    with pytest.raises(NotAModel, match=r"net\.py.*ends the program, line \d+"):
        load(write(text))


def test_any_other_exception_is_told(write):
    with pytest.raises(NotAModel, match="Odd: so it is"):
        load(write("class Odd(BaseException): pass\ndef build():\n    raise Odd('so it is')\n"))


def test_an_interruption_stays_one(write):
    with pytest.raises(KeyboardInterrupt):
        load(write("def build():\n    raise KeyboardInterrupt\n"))


def test_our_own_words_are_never_parsed_by_theirs(write, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["xai-heatmap", "explain", "a.png", "--model", "net.py:build"])
    before = list(sys.argv)
    parsing = (
        "import argparse\nP = argparse.ArgumentParser()\nP.add_argument('--model', default='own')\n"
    )
    load(write(parsing + "assert P.parse_known_args()[0].model == 'own'\n" + NET))
    assert sys.argv == before


@pytest.mark.parametrize(
    "act",
    [
        "os.chdir('/')",
        "sys.path.clear()",
        "sys.path[:] = ['/nowhere']",
        "sys.argv.clear()",
        "os.mkdir('sub'); os.chdir('sub')",
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_the_process_is_as_it_was(write, act, fails):
    folder, path, words = Path.cwd(), list(sys.path), list(sys.argv)
    end = "    raise ValueError\n" if fails else "    return nn.Linear(2, 2)\n"
    text = write(f"import os, sys\nfrom torch import nn\ndef build():\n    {act}\n{end}")
    try:
        load(text)
    except NotAModel:
        assert fails
    assert (Path.cwd(), sys.path, sys.argv) == (folder, path, words)


def test_a_file_is_run_as_it_is_now_whatever_its_second_of_writing(tmp_path):
    path, answers = tmp_path / "net.py", []
    for one in ("4", "5"):
        path.write_text(f"def net():\n    return {one}\n")
        os.utime(path, (1_700_000_000, 1_700_000_000))
        answers.append(load_factory(path, "net").model)
    assert answers == [4, 5]
