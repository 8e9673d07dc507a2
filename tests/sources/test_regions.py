"""Files of regions, and the option that reads them on the command line."""

import json
import os

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadArray, XaiHeatmapError
from xai_heatmap.sources.regions import regions_in

LABELS = np.zeros((20, 30), np.uint8)
LABELS[:9, :12], LABELS[12:, 20:] = 3, 200


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_a_label_image_is_its_numbers(tmp_path, mode):
    wanted = LABELS.astype(np.uint16) * (300 if mode == "I;16" else 1)
    if mode == "P":
        picture = PIL.Image.fromarray(LABELS)
        picture.putpalette(list(range(256)) * 3)
    else:
        picture = PIL.Image.fromarray(wanted if mode == "I;16" else LABELS)
    picture.save(tmp_path / "labels.png")
    np.testing.assert_array_equal(regions_in(tmp_path / "labels.png"), wanted)


def test_a_stored_array_is_as_it_is_and_colours_are_no_labels(tmp_path):
    np.save(tmp_path / "masks.npy", LABELS[None] == 3)
    assert regions_in(tmp_path / "masks.npy").dtype == bool
    PIL.Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "colours.png")
    with pytest.raises(BadArray, match="one whole number a pixel"):
        regions_in(tmp_path / "colours.png")
    (tmp_path / "broken.png").write_bytes(b"PNG")
    with pytest.raises(XaiHeatmapError, match="can't be read as a label image"):
        regions_in(tmp_path / "broken.png")
    with pytest.raises(XaiHeatmapError, match="no file"):
        regions_in(tmp_path / "nowhere.png")


def test_the_command_line_reads_regions(tmp_path):
    from typer.testing import CliRunner

    from xai_heatmap.apps.cli.app import app

    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    PIL.Image.fromarray(picture).save(tmp_path / "cat.png")
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 20:] = 7
    PIL.Image.fromarray(labels).save(tmp_path / "labels.png")
    said = ["explain", str(tmp_path / "cat.png"), "-m", "demo", "--method", "occlusion", "--json"]
    said += ["--option", f"regions={tmp_path / 'labels.png'}", "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(app, said)
    assert ran.exit_code == 0, ran.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    plain = CliRunner().invoke(app, [own for own in said if own != "--json"])
    assert "regions=128x128" in plain.output
    assert '"regions": {"0":' in json.dumps(manifest)


def test_a_pipe_is_no_file_of_regions_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(XaiHeatmapError, match=r"pipe\.png' is no regular file"):
        regions_in(tmp_path / "pipe.png")
