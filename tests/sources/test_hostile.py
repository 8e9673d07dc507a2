"""Files that are no pictures, whatever they are called: one refusal each, and no waiting."""

import io
import os
import socket
import struct

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from xai_heatmap.core.errors import BadArray, BadOption, ImageNotFound, InputError, NotAnImage
from xai_heatmap.runners.findings.regions import regions_in
from xai_heatmap.sources.array import stored
from xai_heatmap.sources.image import read
from xai_heatmap.sources.labels import labels
from xai_heatmap.sources.listing.archive import in_archive
from xai_heatmap.sources.listing.entry import fetched
from xai_heatmap.sources.listing.manifest import in_manifest
from xai_heatmap.sources.video import frames


@pytest.mark.parametrize("name", ["pipe.png", "pipe.npy", "pipe.txt"])
def test_a_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    kinds = {"png": (read, NotAnImage), "npy": (stored, NotAnImage), "txt": (labels, BadOption)}
    reader, refusal = kinds[name.rpartition(".")[2]]
    with pytest.raises(refusal, match="no regular file"):
        reader(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "reader", "refusal"),
    [
        ("list.parquet", in_manifest, ImageNotFound),
        ("list.csv", in_manifest, ImageNotFound),
        ("shard.tar", in_archive, NotAnImage),
        ("boxes.parquet", regions_in, BadOption),
        ("boxes.csv", regions_in, BadOption),
    ],
)
def test_a_pipe_for_a_list_is_not_waited_for(name, reader, refusal, tmp_path):
    pytest.importorskip("pyarrow")
    os.mkfifo(tmp_path / name)
    with pytest.raises(refusal, match="no regular file"):
        list(reader(str(tmp_path / name)))


def test_the_address_of_a_pipe_is_not_waited_for(tmp_path):
    pytest.importorskip("fsspec")
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(NotAnImage, match="no regular file"):
        fetched(f"file://{tmp_path}/a.png")
    (tmp_path / "b.png").write_bytes(b"whole")
    assert fetched(f"file://{tmp_path}/b.png") == b"whole"


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:5,\nother.ts\n",
        "\ufeffffconcat version 1.0\nfile 'other.mp4'\n",
        '<?xml version="1.0"?>\n<MPD></MPD>',
    ],
)
def test_a_text_that_names_other_videos_is_no_video(text, tmp_path):
    pytest.importorskip("av")
    (tmp_path / "clip.mp4").write_text(text, encoding="utf-8")
    with pytest.raises(NotAnImage, match="a text that names others"):
        list(frames(str(tmp_path / "clip.mp4")))


def test_devices_and_sockets_are_no_files(tmp_path):
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tmp_path / "s.png"))
        for path in ("/dev/zero", tmp_path / "s.png"):
            for reader in (read, stored):
                with pytest.raises(NotAnImage, match="no regular file"):
                    reader(path)


def test_a_link_to_a_picture_is_followed(tmp_path):
    PIL.Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert read(tmp_path / "b.png").image.shape == (2, 3, 3)


@pytest.mark.parametrize("kind", ["eps", "pdf", "pcx", "tga", "ico", "sgi", "dds"])
def test_formats_that_are_not_promised_are_not_opened(kind, tmp_path, monkeypatch):
    PIL.Image.new("RGB", (16, 16), "red").save(tmp_path / f"a.{kind}")
    (tmp_path / f"a.{kind}").rename(tmp_path / "a.jpg")
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *_, **__: pytest.fail("a program"))
    with pytest.raises(NotAnImage, match="PNG, JPEG, WebP"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff", "bmp", "gif", "ppm", "jpeg2000"])
def test_formats_that_are_promised_are_read_whatever_the_file_is_called(kind, tmp_path):
    PIL.Image.new("RGB", (16, 12), "red").save(tmp_path / "a.dat", kind)
    assert np.abs(read(tmp_path / "a.dat").image - np.array([255.0, 0, 0])).max() < 12


@pytest.mark.parametrize(
    "problem", [RuntimeError, NotImplementedError, MemoryError, RecursionError, KeyError, OSError]
)
@pytest.mark.parametrize("where", ["open", "load", "convert"])
def test_whatever_a_decoder_raises_is_one_refusal(problem, where, monkeypatch):
    file = io.BytesIO()
    PIL.Image.new("P", (4, 4)).save(file, "png")

    def broken(*_, **__):
        raise problem("a decoder's own words")

    if where == "open":
        monkeypatch.setattr(PIL.Image, "open", broken)
    else:
        monkeypatch.setattr(
            f"PIL.{'ImageFile.ImageFile' if where == 'load' else 'Image.Image'}.{where}", broken
        )
    with pytest.raises(NotAnImage):
        read(file.getvalue())


def header(said, content=bytes(64), version=(1, 0)):
    length = struct.pack("<H" if version == (1, 0) else "<I", len(said) + 1)
    return b"\x93NUMPY" + bytes(version) + length + said.encode() + b"\n" + content


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize(
    "said",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 100000000000000), }",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -4), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<U99999999', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ((((((((",
        "no header at all",
    ],
)
def test_a_header_is_not_believed(said, version, tmp_path):
    (tmp_path / "a.npy").write_bytes(header(said, version=version))
    with pytest.raises(NotAnImage, match=r"a\.npy"):
        stored(tmp_path / "a.npy")


def test_archives_text_and_nothing_are_no_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones(3))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_text("text")
    (tmp_path / "c.npy").touch()
    for name in "abc":
        with pytest.raises(NotAnImage):
            stored(tmp_path / f"{name}.npy")
    with pytest.raises(ImageNotFound):
        stored(tmp_path / "none.npy")
    with pytest.raises(InputError):
        stored(tmp_path)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">u2", "|u1", "<i2"])
@pytest.mark.parametrize("order", "CF")
def test_a_whole_file_is_read(dtype, order, tmp_path):
    array = np.asarray(np.arange(24).reshape(2, 3, 4), dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(stored(tmp_path / "a.npy"), array)


def test_big_endian_pictures_are_read_as_others():
    values = np.random.default_rng(0).integers(9000, 65536, (5, 4, 3)).astype("<u2")
    np.testing.assert_array_equal(read(values).image, read(values.astype(">u2")).image)
    with pytest.raises(BadArray, match="whole range"):
        read(np.full((2, 2), 255, ">u2"))
