import errno
import hashlib
import json
import os
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadArray, BadOption, OutputError
from xai_heatmap.sinks import staging
from xai_heatmap.sinks.folder import safe_stem, save

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
MAP = np.float32([[0, 1.5], [-2, 3]])
FACTS = {"method": "gradcam", "score": 3.25, "layer": "features.7"}


def write(folder, stem="dog", *, picture=PICTURE, arrays=None, manifest=FACTS):
    return save(
        folder,
        stem,
        picture=picture,
        arrays={"map": MAP} if arrays is None else arrays,
        manifest=manifest,
    )


def snapshot(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def entries(folder):
    listed = json.loads((Path(folder) / "manifest.json").read_text("utf-8"))
    assert listed["version"] == 1
    return listed["explanations"]


class TestWhatIsWritten:
    def test_three_files_and_nothing_else(self, tmp_path):
        paths = write(tmp_path)
        assert [path.name for path in paths] == ["dog.png", "dog.npz", "manifest.json"]
        assert sorted(snapshot(tmp_path)) == ["dog.npz", "dog.png", "manifest.json"]

    def test_the_picture_with_its_facts(self, tmp_path):
        path, *_ = write(tmp_path, manifest={**FACTS, "class": "Känguru 🦘"})
        with PIL.Image.open(path) as picture:
            np.testing.assert_array_equal(np.array(picture), PICTURE)
            facts = json.loads(picture.text["xai-heatmap"])
            assert facts == {**FACTS, "class": "Känguru 🦘"}
            assert "srgb" in picture.info

    def test_the_arrays_under_any_name(self, tmp_path):
        arrays = {"map": MAP, "file": np.arange(3), "no arrays": np.zeros((0, 2))}
        _, path, _ = write(tmp_path, arrays=arrays)
        with np.load(path, allow_pickle=False) as found:
            assert sorted(found.files) == sorted(arrays)
            for name, array in arrays.items():
                assert found[name].dtype == array.dtype
                np.testing.assert_array_equal(found[name], array)

    def test_the_same_again_is_the_same_bytes(self, tmp_path):
        write(tmp_path / "a")
        write(tmp_path / "b")
        assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")

    def test_one_entry_for_each_stem(self, tmp_path):
        write(tmp_path, "cat")
        write(tmp_path, "dog")
        write(tmp_path, "cat", manifest={"method": "layercam"})
        listed = entries(tmp_path)
        digests = [entry.pop("sha256") for entry in listed]
        assert listed == [
            {"stem": "dog", "picture": "dog.png", "arrays": "dog.npz", "explanation": FACTS},
            {
                "stem": "cat",
                "picture": "cat.png",
                "arrays": "cat.npz",
                "explanation": {"method": "layercam"},
            },
        ]
        files = snapshot(tmp_path)
        for told in digests:
            assert told == {name: hashlib.sha256(files[name]).hexdigest() for name in told}
        assert [sorted(told) for told in digests] == [
            ["dog.npz", "dog.png"],
            ["cat.npz", "cat.png"],
        ]

    def test_numpy_s_numbers(self, tmp_path):
        write(tmp_path, manifest={"score": np.float32(0.5), "box": np.arange(2), "ok": np.bool_(1)})
        assert entries(tmp_path)[0]["explanation"] == {"score": 0.5, "box": [0, 1], "ok": True}

    def test_numbers_that_are_not_finite_lose_nothing(self, tmp_path):
        facts = {"score": float("nan"), "figures": {"error": np.float32("inf"), "mean": 0.5}}
        write(tmp_path, manifest=facts)
        assert entries(tmp_path)[0]["explanation"] == {
            "score": None,
            "figures": {"error": None, "mean": 0.5},
        }

    def test_names_that_are_not_utf8(self, tmp_path):
        path, *_ = write(
            tmp_path, "caf\udce9", manifest={"image": "caf\udce9", "labels": ["\udce9"]}
        )
        assert entries(tmp_path)[0]["explanation"] == {"image": "caf\ufffd", "labels": ["\ufffd"]}
        with PIL.Image.open(path) as picture:
            assert json.loads(picture.text["xai-heatmap"])["image"] == "caf\ufffd"

    def test_folders_are_made(self, tmp_path):
        write(str(tmp_path / "a" / "b"))
        assert (tmp_path / "a" / "b" / "dog.png").exists()

    def test_other_people_may_read_it_as_the_mask_says(self, tmp_path):
        before = os.umask(0o022)
        try:
            paths = write(tmp_path)
        finally:
            os.umask(before)
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o644}

    def test_threads_lose_no_entry(self, tmp_path):
        threads = [threading.Thread(target=write, args=(tmp_path, f"image {i}")) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {entry["stem"] for entry in entries(tmp_path)} == {f"image {i}" for i in range(12)}


class TestStems:
    @pytest.mark.parametrize("name", ["dog", "Hund und Katze (2)", "日本語", "a.b-c_d", "x" * 120])
    def test_good_names_stay(self, name):
        assert safe_stem(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            "a/b",
            "..",
            "../../etc/passwd",
            "/",
            "a\\b",
            "C:x",
            " dog ",
            ".hidden",
            "con",
            "NUL.tar",
            "a\0b\nc",
            "x" * 5000,
            "ü" * 200,
            "🦘" * 100,
            "\udcff",
            "*",
        ],
    )
    def test_odd_names_become_files_inside_the_folder(self, tmp_path, name):
        paths = write(tmp_path / "out", name)
        assert all(path.parent == tmp_path / "out" and path.is_file() for path in paths)
        assert len(safe_stem(name).encode()) <= 120
        assert not safe_stem(name).startswith(".")
        assert safe_stem(safe_stem(name)) == safe_stem(name)

    def test_different_names_stay_different(self):
        names = ["a/b", "a_b", "a:b", "x" * 200, "x" * 201, "a", " a", "a."]
        assert len({safe_stem(name) for name in names}) == len(names)

    def test_composed_and_decomposed_letters_are_one_name(self):
        assert safe_stem("u\u0308") == safe_stem("ü") == "ü"

    def test_no_name_is_refused(self):
        with pytest.raises(BadOption, match="empty"):
            safe_stem("")


def failing(error, after):
    """A stand-in for ``os.fsync`` or ``Path.replace`` that gives up at some call."""
    calls = []

    def wrap(real):
        def stand_in(*args):
            calls.append(args)
            if len(calls) > after:
                raise error
            return real(*args)

        return stand_in

    return wrap


class TestAllOrNothing:
    @pytest.mark.parametrize("after", [0, 1, 2])
    @pytest.mark.parametrize("there_before", [False, True])
    @pytest.mark.parametrize(
        ("code", "advice"),
        [
            (errno.ENOSPC, "disk is full"),
            (errno.EROFS, "read-only"),
            (errno.EACCES, "may not write"),
            (errno.EIO, "Choose another folder"),
        ],
    )
    def test_a_failing_write(self, tmp_path, monkeypatch, after, there_before, code, advice):
        if there_before:
            write(tmp_path, manifest={"old": 1})
        before = snapshot(tmp_path)
        error = OSError(code, os.strerror(code))
        monkeypatch.setattr(os, "fsync", failing(error, after)(os.fsync))
        with pytest.raises(OutputError, match=f"{advice}.*Nothing was written"):
            write(tmp_path)
        assert snapshot(tmp_path) == before

    @pytest.mark.parametrize("after", [0, 1, 2])
    @pytest.mark.parametrize("there_before", [False, True])
    def test_a_failing_rename(self, tmp_path, monkeypatch, after, there_before):
        if there_before:
            write(tmp_path, manifest={"old": 1})
        before = snapshot(tmp_path)
        real, calls = Path.replace, []

        def stand_in(self, target):
            calls.append(self)
            if len(calls) == after + 1:
                raise OSError(errno.EIO, "broken cable")
            return real(self, target)

        monkeypatch.setattr(Path, "replace", stand_in)
        with pytest.raises(OutputError, match="broken cable"):
            write(tmp_path)
        assert snapshot(tmp_path) == before

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_an_interrupt(self, tmp_path, monkeypatch, after):
        write(tmp_path, manifest={"old": 1})
        before = snapshot(tmp_path)
        monkeypatch.setattr(os, "fsync", failing(KeyboardInterrupt(), after)(os.fsync))
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path)
        assert snapshot(tmp_path) == before

    def test_a_folder_that_was_made_goes_again(self, tmp_path, monkeypatch):
        error = OSError(errno.ENOSPC, "full")
        monkeypatch.setattr(os, "fsync", failing(error, 1)(os.fsync))
        with pytest.raises(OutputError):
            write(tmp_path / "a" / "b")
        assert snapshot(tmp_path) == {}

    def test_a_folder_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("mine")
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(OutputError, match=r"file.*choose another folder"):
                write(folder)
        assert snapshot(tmp_path) == {"file": b"mine"}

    def test_a_folder_that_can_t_be_made(self, tmp_path, monkeypatch):
        def read_only(self, *args, **kwargs):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(Path, "mkdir", read_only)
        with pytest.raises(OutputError, match="read-only: choose another folder"):
            write(tmp_path / "new")

    def test_a_folder_where_a_file_has_to_go(self, tmp_path):
        (tmp_path / "dog.npz").mkdir()
        with pytest.raises(OutputError, match="A folder stands where"):
            write(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["dog.npz"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ('{"name": "my web app"}', "not a list of explanations"),
            ("[1, 2]", "not a list of explanations"),
            ('{"version": 1, "explanations": [{}]}', "not a list of explanations"),
            ('{"version": 1, "explanations": [', "not JSON"),
            ("\ufffd\0", "not JSON"),
            ('{"version": 2, "explanations": []}', "version is 2"),
        ],
    )
    def test_a_manifest_that_is_not_ours_is_left_alone(self, tmp_path, content, why):
        (tmp_path / "manifest.json").write_text(content, "utf-8")
        before = snapshot(tmp_path)
        with pytest.raises(OutputError, match=why):
            write(tmp_path)
        assert snapshot(tmp_path) == before

    def test_a_manifest_in_no_encoding_is_left_alone(self, tmp_path):
        (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\xfa")
        with pytest.raises(OutputError, match="not JSON"):
            write(tmp_path)

    @pytest.mark.usefixtures("unchecked")
    def test_what_can_t_be_saved_is_refused_before_anything_is_written(self, tmp_path):
        with pytest.raises(BadArray, match=r"'map'.*object"):
            write(tmp_path, arrays={"map": np.array([None])})
        with pytest.raises(BadOption, match="received a set"):
            write(tmp_path, manifest={"layers": {1}})
        with pytest.raises(BadArray, match="uint8 RGB"):
            write(tmp_path, picture=PICTURE / 255)
        with pytest.raises(BadArray, match="uint8 RGB"):
            write(tmp_path, picture=PICTURE[:0])
        with pytest.raises(BadOption, match="stem is a name"):
            write(tmp_path, 5)
        assert snapshot(tmp_path) == {}

    @pytest.mark.parametrize("folder", [None, 5, "a\0b"])
    @pytest.mark.usefixtures("unchecked")
    def test_what_is_no_folder_is_refused(self, folder):
        with pytest.raises(BadOption, match=r"null character|name or a path"):
            write(folder)

    def test_a_manifest_that_is_no_regular_file_is_left_alone(self, tmp_path):
        os.mkfifo(tmp_path / "manifest.json")
        with pytest.raises(OutputError, match="no regular file"):
            write(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]

    def test_a_manifest_nested_without_end_is_left_alone(self, tmp_path):
        (tmp_path / "manifest.json").write_text("[" * 100_000)
        with pytest.raises(OutputError, match="not JSON"):
            write(tmp_path)

    def test_no_lock_on_a_network_file_system_is_no_reason_to_fail(self, tmp_path, monkeypatch):
        if staging.fcntl is None:
            pytest.skip("this system has no fcntl")

        def no_locks(handle, what):
            raise OSError(errno.ENOLCK, "no locks")

        monkeypatch.setattr(staging.fcntl, "flock", no_locks)
        assert len(write(tmp_path)) == 3

    def test_without_fcntl(self, tmp_path, monkeypatch):
        monkeypatch.setattr(staging, "fcntl", None)
        assert len(write(tmp_path)) == 3
