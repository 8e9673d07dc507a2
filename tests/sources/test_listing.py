"""Listing of folders, patterns, manifests and archives: every picture once, or one clear error."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from xai_heatmap.core.errors import BadOption, ImageNotFound, NotAnImage
from xai_heatmap.sources.listing.entry import Entry
from xai_heatmap.sources.listing.listed import entries


def listed(*sources):
    return list(entries(sources))


def ids(*sources):
    return [one.id for one in listed(*sources)]


@pytest.fixture
def place(tmp_path):
    for name in ("b.jpg", "a.png", "sub/c.PNG", "sub/.hidden.png", "notes.txt", ".git/d.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def archive(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(path)


def test_a_folder_is_sorted_deep_and_without_what_is_hidden(place):
    assert ids(place / "in") == ["a.png", "b.jpg", "sub/c.PNG"]
    assert listed(place / "in")[2].given() == place / "in" / "sub" / "c.PNG"


def test_a_pattern_and_names(place, monkeypatch):
    assert ids(f"{place}/in/**/*.[pP][nN][gG]") == ["a.png", "sub/c.PNG"]
    with pytest.raises(ImageNotFound, match="fits no file"):
        listed(f"{place}/in/*.webp")
    monkeypatch.chdir(place / "in")
    assert ids("b.jpg", "a.png") == ["b.jpg", "a.png"]
    assert ids("b.jpg") == ["b.jpg"]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("list.txt", "a.png\n\nsub/c.PNG\n", [("a.png", None), ("sub/c.PNG", None)]),
        ("list.txt", "uri,label\na.png,cat\n", [("a.png", "cat")]),
        ("list.csv", "ID,Label,URI\none,cat,a.png\ntwo,,b.jpg\n", [("one", "cat"), ("two", None)]),
        ("list.tsv", "path\tid\na,b.png\t7\n", [("7", None)]),
        ("list.csv", "\ufefffile\na.png\n", [("a.png", None)]),
    ],
)
def test_a_manifest_of_text(place, name, text, found):
    path = place / "in" / name
    path.write_text(text, encoding="utf-8")
    own = listed(path)
    assert [(one.id, one.label) for one in own] == found
    assert all(one.uri.startswith(str(place / "in")) for one in own)


@pytest.mark.parametrize(
    ("name", "text", "kind", "said"),
    [
        ("list.csv", "name,label\na.png,cat\n", BadOption, "has the columns name, label"),
        ("list.csv", "uri,label\na.png\n", BadOption, "Line 2 of .* has 1 column,"),
        ("list.csv", "uri,label\n,cat\n", BadOption, "Row 1 of .* has no uri"),
        ("list.csv", "uri,label\n", BadOption, "has no rows"),
        ("list.txt", "", BadOption, "has no rows"),
        ("list.parquet", "no", ImageNotFound, "no Parquet that can be read"),
    ],
)
def test_a_manifest_that_is_off(place, name, text, kind, said):
    pytest.importorskip("pyarrow", reason="needs pyarrow")
    (place / name).write_text(text)
    with pytest.raises(kind, match=said):
        listed(place / name)
    with pytest.raises(ImageNotFound, match="There is no manifest"):
        listed(place / "none.csv")


def test_a_manifest_of_parquet(place):
    arrow = pytest.importorskip("pyarrow", reason="needs pyarrow")
    import pyarrow.parquet as parquet

    path = place / "in" / "list.parquet"
    table = arrow.table({"URI": ["a.png", "/far/b.jpg"], "label": [3, None], "more": [1, 2]})
    parquet.write_table(table, path)
    first, second = listed(path)
    assert (first.id, first.label, first.uri) == ("a.png", "3", str(place / "in" / "a.png"))
    assert (second.id, second.label, second.uri) == ("/far/b.jpg", None, "/far/b.jpg")
    parquet.write_table(arrow.table({"name": ["a"]}), path)
    with pytest.raises(BadOption, match="has the columns name"):
        listed(path)


def test_an_archive_whose_samples_lie_apart(place):
    path = archive(
        place / "one.tar",
        [
            ("d/001.jpg", b"first"), ("d/002.cls", b"7\n"), ("d/001.cls", b"4"),
            ("d/002.left.png", b"left"), ("d/002.right.png", b"right"), ("read me", b"x"),
            ("d/a#b.png", b"odd"),
        ],
    )  # fmt: skip
    own = listed(path)
    assert [(one.id, one.label) for one in own] == [
        ("one.tar/d/001", "4"),
        ("one.tar/d/002.left.png", "7"),
        ("one.tar/d/002.right.png", "7"),
        ("one.tar/d/a#b", None),
    ]
    assert [one.given() for one in own] == [b"first", b"left", b"right", b"odd"]
    assert own[3].uri.endswith("one.tar#d/a%23b.png")
    (place / "tars").mkdir()
    for name in ("x.tar", "y.tar"):
        archive(place / "tars" / name, [("1.png", b"1")])
    assert ids(place / "tars") == ids(f"{place}/tars/*.tar") == ["x.tar/1", "y.tar/1"]


def test_a_broken_archive_is_not_taken_for_a_short_one(place):
    members = [(f"{n}.png", b"x" * 600) for n in range(4)]
    path = place / "one.tar"
    archive(path, members)
    whole = path.read_bytes()
    second = whole[:1536] + b"\xff" * 512 + whole[2048:]
    for spoilt in (second, whole[:2000], b"no tar at all" * 100, b""):
        path.write_bytes(spoilt)
        with pytest.raises(NotAnImage, match=r"one\.tar"):
            listed(path)
    path.write_bytes(whole[: 4 * 1536])  # without the blocks that mark the end
    assert len(listed(path)) == 4
    archive(path, [("a.txt", b"x")])
    with pytest.raises(NotAnImage, match="No member"):
        listed(path)


def test_an_archive_that_was_changed_meanwhile(place):
    path = place / "one.tar"
    (own,) = listed(archive(path, [("1.png", b"x" * 600)]))
    path.write_bytes(b"short")
    with pytest.raises(NotAnImage, match="cut off"):
        own.given()
    path.unlink()
    with pytest.raises(ImageNotFound, match="no longer there"):
        own.given()


def test_an_address_that_fsspec_opens(place):
    fsspec = pytest.importorskip("fsspec", reason="needs fsspec")
    system = fsspec.filesystem("memory")
    for name in ("a.png", "deep/b.jpg", "notes.txt"):
        system.pipe(f"/bucket/{name}", name.encode())
    own = listed("memory://bucket")
    assert [one.id for one in own] == ["a.png", "deep/b.jpg"]
    assert [one.given() for one in own] == [b"a.png", b"deep/b.jpg"]
    with pytest.raises(ImageNotFound, match="No picture lies at"):
        listed("memory://elsewhere")
    with pytest.raises(ImageNotFound, match="nothing at"):
        Entry("x", "memory://bucket/none.png").given()
    with pytest.raises(ImageNotFound, match="can't be listed"):
        listed("nosuch://bucket")


def test_nothing(place):
    with pytest.raises(ImageNotFound, match="nothing called 'here'"):
        listed("here")
    with pytest.raises(BadOption, match="Pictures are needed"):
        listed()


def test_a_name_that_is_not_utf8_is_found_again_by_an_address_that_any_file_holds(tmp_path):
    own = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 #1%.png")
    Path(own).write_bytes(b"mine")
    (plain,) = listed(tmp_path)
    assert plain.uri.encode()
    assert plain.given() == Path(own)
    assert plain.given().read_bytes() == b"mine"
    assert listed(own)[0].given() == Path(own)
