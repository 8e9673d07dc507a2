"""A file is replaced by the same result alone; what a killed process left is known and removed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks import staging
from xai_heatmap.sinks.folder import save
from xai_heatmap.sinks.identity import identity
from xai_heatmap.sinks.picture import save_picture

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
MAP = np.float32([[0, 1.5], [-2, 3]])
FACTS = {"image": "cat.png", "method": "gradcam", "score": 3.25, "options": {"relu": True}}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(folder, own, *, stem="cat", picture=PICTURE):
    path, *_ = save(
        folder, stem, picture=picture, arrays={"map": MAP}, manifest=FACTS, identity=own
    )
    return path.name


def stems(folder):
    listed = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    return [entry["stem"] for entry in listed["explanations"]]


class TestIdentity:
    def test_name_and_answer_do_not_count(self):
        other = {**FACTS, "image": "b/cat.png", "notes": ["seen"], "xai_heatmap": "9"}
        assert identity(PICTURE, FACTS) == identity(PICTURE, other)

    def test_rounding_does_not_count(self):
        assert identity(PICTURE, FACTS) == identity(PICTURE, {**FACTS, "score": 3.2500001})

    @pytest.mark.parametrize(
        "changed",
        [
            {"method": "layercam"},
            {"score": 3.3},
            {"options": {"relu": False}},
            {"network": "another"},
            {"geometry": {"box": [0.0, 0.0, 8.0, 5.0]}},
        ],
    )
    def test_the_question_counts(self, changed):
        assert identity(PICTURE, FACTS) != identity(PICTURE, {**FACTS, **changed})

    def test_the_picture_counts_and_its_shape(self):
        found = {
            identity(PICTURE, FACTS),
            identity(255 - PICTURE, FACTS),
            identity(PICTURE.reshape(8, 6, 3), FACTS),
            identity(PICTURE.astype(np.float32), FACTS),
        }
        assert len(found) == 4


class TestNumbers:
    def test_another_result_gets_a_number_and_the_same_one_its_own_place(self, tmp_path):
        assert [write(tmp_path, own) for own in "abcab"] == [
            "cat.png",
            "cat-2.png",
            "cat-3.png",
            "cat.png",
            "cat-2.png",
        ]
        assert sorted(stems(tmp_path)) == ["cat", "cat-2", "cat-3"]

    def test_files_of_others_are_left_alone(self, tmp_path):
        for name in ("cat.png", "cat-2.npz"):
            (tmp_path / name).write_bytes(b"mine")
        assert write(tmp_path, "a") == "cat-3.png"
        assert (tmp_path / "cat.png").read_bytes() == b"mine"
        assert (tmp_path / "cat-2.npz").read_bytes() == b"mine"

    def test_entries_of_no_known_result_are_not_replaced(self, tmp_path):
        write(tmp_path, "")
        assert write(tmp_path, "a") == "cat-2.png"

    def test_a_lost_manifest_is_made_up_for_by_what_the_picture_says(self, tmp_path):
        write(tmp_path, "a")
        (tmp_path / "manifest.json").unlink()
        assert write(tmp_path, "a") == "cat.png"
        (tmp_path / "manifest.json").unlink()
        assert write(tmp_path, "b") == "cat-2.png"

    def test_pages(self, tmp_path):
        path = tmp_path / "cat.sheet.png"
        names = [save_picture(path, PICTURE, identity=own).name for own in "aba"]
        assert names == ["cat.sheet.png", "cat.sheet-2.png", "cat.sheet.png"]
        assert save_picture(tmp_path / "demo.png", PICTURE) == tmp_path / "demo.png"


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from xai_heatmap.sinks.folder import save

number, after = int(sys.argv[2]), int(sys.argv[3])
real, calls = Path.replace, []

def replace(self, target):
    calls.append(target)
    if len(calls) > after:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)

Path.replace = replace
picture = np.full((6, 8, 3), number, np.uint8)
save(sys.argv[1], "cat", picture=picture, arrays={"map": np.float32([[number]])},
     manifest={"run": number}, identity="one")
"""


class TestKilled:
    @pytest.mark.slow
    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_nothing_is_torn_without_a_word_and_nothing_stays(self, tmp_path, monkeypatch, after):
        def run(number, calls):
            command = [sys.executable, "-c", KILLED, str(tmp_path), str(number), str(calls)]
            return subprocess.run(command, check=False).returncode

        assert run(1, 9) == 0
        assert run(2, after) == -signal.SIGKILL
        assert list(tmp_path.glob(".*.tmp"))
        (entry,) = json.loads((tmp_path / "manifest.json").read_text())["explanations"]
        numbers = entry["explanation"]["run"]
        for name in (entry["picture"], entry["arrays"]):
            digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
            told = entry["sha256"][name] == digest
            assert told == (self._run_of(tmp_path / name) == numbers)
        assert run(3, 9) == 0
        assert names_in(tmp_path) == ["cat.npz", "cat.png", "manifest.json"]
        assert self._run_of(tmp_path / "cat.png") == self._run_of(tmp_path / "cat.npz") == 3

    @staticmethod
    def _run_of(path):
        if path.suffix == ".npz":
            return int(np.load(path)["map"][0, 0])
        with PIL.Image.open(path) as picture:
            return int(np.asarray(picture)[0, 0, 0])

    def test_what_is_not_ours_stays(self, tmp_path):
        for name in (".swp.tmp", ".0123456789abcdef", "0123456789abcdef.png.tmp"):
            (tmp_path / name).write_bytes(b"")
        (tmp_path / ".0123456789abcdef.png.tmp").write_bytes(b"")
        write(tmp_path, "a")
        left = {name for name in names_in(tmp_path) if not name.startswith("cat")}
        assert left == {
            ".swp.tmp",
            ".0123456789abcdef",
            "0123456789abcdef.png.tmp",
            "manifest.json",
        }

    def test_without_locks_young_files_may_be_alive(self, tmp_path, monkeypatch):
        monkeypatch.setattr(staging, "fcntl", None)
        young, old = tmp_path / ".0123456789abcdef.tmp", tmp_path / ".fedcba9876543210.tmp"
        for path in (young, old):
            path.write_bytes(b"")
        os.utime(old, (1, 1))
        write(tmp_path, "a")
        assert young.exists()
        assert not old.exists()

    def test_a_failing_page_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = save_picture(tmp_path / "page.png", PICTURE, identity="a")
        before = path.read_bytes()

        def full(handle):
            raise OSError(28, "full")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="Nothing was written"):
            save_picture(path, 255 - PICTURE, identity="a")
        assert path.read_bytes() == before
        assert names_in(tmp_path) == ["page.png"]


def test_the_same_bytes_of_another_type_are_another_picture():
    nothing = np.zeros((2, 3), np.int32)
    assert identity(nothing, {}) != identity(nothing.view(np.float32), {})
    assert identity(nothing, {}) != identity(nothing.reshape(3, 2), {})
