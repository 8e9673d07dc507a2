"""Names come from anywhere: every result has a file of its own, and no name steers a terminal."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.apps.cli.terminal import log, print_json, print_lines, safe
from xai_heatmap.sources.frames import titles

torch = pytest.importorskip("torch")

ASK = ("--model", "net.py:net", "--preprocess", "unit", "--size", "32x48", "--target", "1")


def picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def drawn(folder):
    return sorted(path.name for path in Path(folder).glob("*.png"))


class TestTitles:
    @pytest.mark.parametrize(
        "paths",
        [
            ["a/b/c.jpg", "a.b/c.jpg"],
            ["cat.png", "../cat.png"],
            ["a/b.c.png", "a.b/c.png", "a/b/c.png"],
            ["x/cat.png", "x/cat.jpg", "x_cat.png"],
            ["a//b.png", "a/./b.png"],
        ],
    )
    def test_are_one_to_one(self, paths):
        assert len({Path(title).stem for title in titles(paths)}) == len(paths)
        assert titles(paths) == titles(paths)

    def test_are_short_where_nothing_speaks_against_it(self):
        assert titles(["a/cat.png", "b/dog.png"]) == ["cat.png", "dog.png"]
        assert titles(["cat.png", "cat.png"]) == ["cat.png", "cat.png"]

    def test_names_that_are_not_utf8(self):
        assert len(set(titles(["a/\udce9.png", "a.\udce9.png", "a_\udce9/png"]))) == 3


class TestResults:
    def test_two_pictures_of_one_name_are_two_results(self, cli, place):
        for seed, name in enumerate(("a/b/c.png", "a.b/c.png")):
            picture(place / name, seed)
        said = cli("explain", "a/b/c.png", "a.b/c.png", *ASK, "--out", "out")
        assert said.code == 0
        assert len(drawn("out")) == 2

    @pytest.mark.slow
    def test_another_days_picture_of_that_name_replaces_nothing(self, cli, place):
        for seed in (1, 2, 1):
            picture(place / "photo.png", seed)
            assert cli("explain", "photo.png", *ASK, "--out", "out").code == 0
        assert len(drawn("out")) == 2

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "flags", [("--layer", "all"), ("--method", "gradcam", "--method", "layercam")]
    )
    def test_sheets_of_two_pictures_of_one_name(self, cli, place, flags):
        for seed in (1, 2, 2):
            picture(place / "photo.png", seed)
            assert cli("explain", "photo.png", *ASK, *flags, "--out", "out").code == 0
        assert [name for name in drawn("out") if "sheet" in name] == [
            "photo.sheet-2.png",
            "photo.sheet.png",
        ]

    @pytest.mark.slow
    def test_pages_of_compare(self, cli, place):
        for seed in (1, 2, 2):
            picture(place / "photo.png", seed)
            assert (
                cli("compare", "photo.png", *ASK, "--methods", "gradcam", "--out", "out").code == 0
            )
        assert drawn("out") == ["photo.compare-2.png", "photo.compare.png"]

    @pytest.mark.slow
    @pytest.mark.parametrize("how", ["options", "layer", "network", "picture"])
    def test_in_python_nothing_is_lost_but_what_is_the_same(self, tmp_path, how):
        def network(seed):
            torch.manual_seed(seed)
            return torch.nn.Sequential(
                torch.nn.Conv2d(3, 4, 4, 4),
                torch.nn.ReLU(),
                torch.nn.AdaptiveAvgPool2d(1),
                torch.nn.Flatten(),
                torch.nn.Linear(4, 3),
            ).eval()

        def explain(n):
            pixels = np.random.default_rng(n if how == "picture" else 0)
            return xh.explain(
                xh.network(network(n if how == "network" else 0), image_shape=(3, 64, 64)),
                pixels.integers(0, 256, (64, 64, 3), dtype=np.uint8),
                preprocess="unit",
                target=0,
                layer=str(n % 2) if how == "layer" else "auto",
                options={"relu": n % 2 == 0} if how == "options" else {},
            )

        for n in (0, 1, 0):
            explain(n).save(tmp_path)
        assert len(drawn(tmp_path)) == 2
        listed = json.loads((tmp_path / "manifest.json").read_text())["explanations"]
        assert len(listed) == 2

    def test_a_full_disk_in_the_middle_says_what_is_there(self, tmp_path, monkeypatch):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 4, 4), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
        )
        network = xh.network(model.eval(), image_shape=(3, 32, 32))
        pixels = np.zeros((32, 32, 3), np.uint8)
        several = xh.compare(network, pixels, preprocess="unit", targets=[0, 1, 2, 3])
        real, calls = os.fsync, []

        def full(handle):
            calls.append(handle)
            if len(calls) > 6:
                raise OSError(28, "No space left on device")
            return real(handle)

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(xh.XaiHeatmapError, match=r"2 of 4 explanations were saved before"):
            several.save(tmp_path)
        assert len(drawn(tmp_path)) == 2


class TestTerminal:
    NAMES = ("\x1b]0;owned\x07", "\x9b31m", "\u202egnp", "\r\x00", "\u2028")

    @pytest.mark.parametrize("name", NAMES)
    def test_control_characters_are_spelt_out(self, capsys, name):
        print_lines([f"label {name}"])
        print_lines([f"label {name}"], style="bold")
        log(f"error {name}")
        print_json({"name": name})
        said = capsys.readouterr()
        for stream in (said.out, said.err):
            assert not set(stream) & set(name) - set("]0;owned31mgp")
        assert json.loads(said.out[said.out.index("{") :]) == {"name": name}

    def test_a_name_is_one_line(self, capsys):
        print_lines(["a\nerror XH000: forged"])
        assert capsys.readouterr().out == "a\\nerror XH000: forged\n"

    def test_letters_of_all_scripts_stay(self):
        text = "Æsop 日本語 🦘 \u200d naïve\tΣ"
        assert safe(text) == text

    @pytest.mark.slow
    def test_from_labels_files_and_pictures(self, cli, place):
        odd = "b\x1b[31m.png"
        shutil.copy(place / "dog.png", place / odd)
        (place / "bad\x1b[31m.png").write_bytes(b"no picture")
        (place / "l.txt").write_text("tench\x1b]0;owned\x07\nshark\x9b\ncat\n")
        flags = (*ASK, "--labels", "l.txt", "--out", "out")
        for words in (
            ("explain", odd, *flags),
            ("explain", "bad\x1b[31m.png", *flags),
            ("explain", odd, *flags, "--json"),
            ("compare", odd, *flags, "--methods", "gradcam"),
            ("explain", odd, *flags, "--target", "nothing\x1b[31m"),
            ("explain", odd, *flags, "--method", "grad\x1b[31m"),
            ("layers", "net\x1b[31m.py:net"),
            ("expl\x1b[31m",),
        ):
            said = cli(*words)
            assert not set(said.out + said.err) & set("\x1b\x07\x9b"), words


SLOW = """
import os, signal, sys
from pathlib import Path
real, calls = os.fsync, []

def waiting(handle):
    calls.append(handle)
    if len(calls) == 2:
        Path("ready").touch()
        signal.pause()
    return real(handle)

os.fsync = waiting
from xai_heatmap.apps.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_told_to_end_in_the_middle_of_a_save_leaves_nothing(place):
    words = ["explain", "dog.png", *ASK, "--out", "out"]
    running = subprocess.Popen([sys.executable, "-c", SLOW, *words], cwd=place)
    while not (place / "ready").exists():
        assert running.poll() is None, "it ended before it saved"
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 143
    assert not (place / "out").exists()
