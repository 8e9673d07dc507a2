"""A folder's list is read once and appended to: thousands of pictures, one after the other."""

import contextlib
import errno
import json
import os

import numpy as np
import pytest

from xai_heatmap.core import plain, version
from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks import manifest, staging
from xai_heatmap.sinks.folder import save

PICTURE = np.zeros((2, 2, 3), np.uint8)


def write(where, stem, **facts):
    arrays = {"map": np.ones((2, 2), np.float32)}
    known = {"method": "gradcam", "words": ["}\n ]", "é"]} | facts
    return save(where, stem, picture=PICTURE, arrays=arrays, manifest=known)


def raw(where):
    return (where / "manifest.json").read_bytes()


def stems(where):
    return [entry["stem"] for entry in json.loads(raw(where))["explanations"]]


def snapshot(where):
    return {path.name: path.read_bytes() for path in where.iterdir()}


@pytest.fixture
def there(tmp_path):
    """A folder with two explanations."""
    write(tmp_path, "cat")
    write(tmp_path, "dog")
    return tmp_path


@pytest.fixture
def forgotten(monkeypatch):
    """Another process, which remembers no list."""
    return lambda: monkeypatch.setattr(manifest, "_known", {})


def test_what_is_appended_is_what_would_be_written_whole(there):
    write(there, "owl")
    assert raw(there) == (
        json.dumps(json.loads(raw(there)), indent=1, ensure_ascii=False).encode() + b"\n"
    )
    assert stems(there) == ["cat", "dog", "owl"]


def test_a_list_is_neither_read_nor_written_again(there, monkeypatch):
    before = (there / "manifest.json").stat().st_ino
    monkeypatch.setattr(manifest, "_entries", None)
    monkeypatch.setattr(manifest, "_write", None)
    for number in range(20):
        write(there, f"owl {number}")
    assert len(stems(there)) == 22
    assert (there / "manifest.json").stat().st_ino == before


def test_as_many_bytes_are_written_for_the_last_as_for_the_first(tmp_path, monkeypatch):
    written = []
    real = os.fsync

    def counted(number):
        written.append(os.lseek(number, 0, os.SEEK_CUR))
        real(number)

    monkeypatch.setattr(os, "fsync", counted)
    appended, own = [], manifest._in_json
    monkeypatch.setattr(manifest, "_in_json", lambda e: (appended.append(len(own(e))), own(e))[1])
    for number in range(10, 40):
        write(tmp_path, f"owl {number}")
    assert len(appended) == 30  # one entry a save
    assert len(written) == 90
    assert written[-1] - written[-4] == written[5] - written[2]


def test_the_same_result_again_leaves_the_list_as_it_is(there, monkeypatch):
    before = raw(there)
    monkeypatch.setattr(manifest, "_entries", None)
    write(there, "cat")
    assert raw(there) == before


def test_another_result_of_that_stem_replaces_the_entry(there):
    write(there, "cat", score=1.0)
    write(there, "owl")
    assert stems(there) == ["dog", "cat", "owl"]
    assert json.loads(raw(there))["explanations"][1]["explanation"]["score"] == 1.0


def test_what_another_process_wrote_meanwhile_stays(there, forgotten):
    known = dict(manifest._known)
    forgotten()
    write(there, "owl")
    manifest._known.update(known)
    write(there, "fox")
    assert stems(there) == ["cat", "dog", "owl", "fox"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_all_or_nothing(there, monkeypatch, error, after):
    before, real, calls = snapshot(there), os.fsync, []

    def failing(number):
        calls.append(number)
        if len(calls) > after:
            raise error
        real(number)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write(there, "owl")
    assert snapshot(there) == before
    monkeypatch.undo()
    write(there, "owl")
    assert stems(there) == ["cat", "dog", "owl"]


def test_an_entry_that_was_cut_off_is_left_out(there, forgotten):
    before = raw(there)
    write(there, "owl")
    whole = raw(there)
    kept = len(before) - len(manifest.TAIL)
    for cut in range(kept, len(whole), 9):
        (there / "manifest.json").write_bytes(whole[:cut])
        forgotten()
        write(there, "fox")
        owl = ["owl"] * (cut >= len(whole) - len(manifest.TAIL))
        assert stems(there) == ["cat", "dog", *owl, "fox"], cut


@pytest.mark.parametrize("change", [lambda r: r.replace(b"\n", b"\r\n"), lambda r: r + b"\n"])
def test_a_list_that_somebody_formatted_is_written_whole(there, change):
    (there / "manifest.json").write_bytes(change(raw(there)))
    write(there, "owl")
    assert stems(there) == ["cat", "dog", "owl"]
    assert raw(there).endswith(manifest.TAIL)
    assert b"\r" not in raw(there)


def test_a_list_that_has_a_second_name_is_not_written_through_it(there, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "kept.json"
    os.link(there / "manifest.json", other)
    before = other.read_bytes()
    write(there, "owl")
    assert other.read_bytes() == before
    assert stems(there) == ["cat", "dog", "owl"]


def test_without_locks_a_list_is_never_written_in_place(there, monkeypatch):
    monkeypatch.setattr(staging, "fcntl", None)
    before = (there / "manifest.json").stat().st_ino
    write(there, "owl")
    assert stems(there) == ["cat", "dog", "owl"]
    assert (there / "manifest.json").stat().st_ino != before


def test_few_lists_are_remembered(tmp_path):
    for number in range(manifest.FOLDERS + 3):
        write(tmp_path / str(number), "cat")
    assert len(manifest._known) <= manifest.FOLDERS


def test_what_is_replaced_is_kept_by_a_link_and_not_copied(there, monkeypatch):
    copied = []
    monkeypatch.setattr(staging.shutil, "copy2", lambda *paths: copied.append(paths))
    write(there, "cat", score=2.0)
    assert copied == []
    assert sorted(snapshot(there)) == [
        *("cat.npz", "cat.png", "dog.npz", "dog.png", "manifest.json")
    ]


def test_pictures_are_compressed_fast(there):
    data = (there / "cat.png").read_bytes()
    assert data[data.index(b"IDAT") + 4 :][:2] == b"\x78\x01"


def test_the_version_is_read_once(monkeypatch):
    version.installed_version.cache_clear()
    read = []
    monkeypatch.setattr("importlib.metadata.version", lambda name: (read.append(name), "1.0")[1])
    with contextlib.ExitStack() as stack:
        stack.callback(version.installed_version.cache_clear)
        assert [version.installed_version() for _ in range(3)] == ["1.0"] * 3
    assert read == ["xai-heatmap"]


def test_plain_facts_are_told_by_their_types_alone(monkeypatch):
    monkeypatch.setattr(plain, "Numbers", None)  # a protocol, which looks at every attribute
    facts = [1, True, None, 0.5, float("nan"), float("-inf"), "caf\udce9", "é"]
    assert [plain.facts_of(own) for own in facts] == [
        *(1, True, None, 0.5, None, None, "caf\ufffd", "é")
    ]


def test_entries_are_indented_as_the_standard_library_does():
    entry = {
        "stem": 'a "b"\n\\ é 猫 \u2028', "": [], "none": {},
        "deep": [[1, [2.5e-9, -0.0]], {"x": {"y": [None]}}],
        "truth": [True, False, None], "number": 10**20, "float": 0.1 + 0.2, "text\n": "\t",
    }  # fmt: skip
    wanted = json.dumps(entry, indent=1, ensure_ascii=False).replace("\n", "\n  ")
    assert manifest._in_json(entry).decode() == wanted
