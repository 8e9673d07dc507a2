"""Drift between runs: heat that moved is found, noise is none, and bounds are Student's."""

import math

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from batch_places import SIDE, folder

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.batch.drift import LEAST, student


def looking_at(rows, columns):
    """A network that looks at one part of the picture."""
    light = np.s_[:, :, rows, columns]

    def net(x):
        seen = x[light].mean(axis=(1, 2, 3))
        return np.stack([4 * seen + 1, 2 - seen], axis=1).astype(np.float32)

    return xh.network(net, image_shape=(3, SIDE, SIDE))


LEFT = np.s_[2:6, 0:4]
RIGHT = np.s_[2:6, 4:8]


def run(place, name, where, count=12, *, stride=4, labels=("light", "dark")):
    if not (place / "in").exists():
        folder(place / "in", count)
    return xh.batch(
        place / "in", looking_at(*where), out=place / name, method="occlusion",
        options={"window": 4, "stride": stride}, target=0, preprocess="unit", labels=labels,
        maps="float32",
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    run(place, "left", LEFT)
    run(place, "same", LEFT)
    run(place, "middle", np.s_[2:6, 2:6])
    run(place, "right", RIGHT)
    return place


def test_heat_that_moved_is_found_and_the_same_is_not(runs):
    same = xh.drift(runs / "left", runs / "same")
    assert same.moved == ()
    assert all(one.shift == 0 and one.changed == 0 for one in same.classes)
    far = xh.drift(runs / "left", xh.open_run(runs / "right"))
    assert [one.name for one in far.moved] == ["light"]
    (one,) = far.classes
    assert one.pictures == far.pictures == 12
    assert one.shift > 0.5
    assert one.low <= one.shift <= one.high


def test_the_share_is_that_of_heat_elsewhere(runs):
    one, two = xh.open_run(runs / "left"), xh.open_run(runs / "right")
    far = []
    for a, b in zip(one.rows(), two.rows(), strict=True):
        total = 0.0
        maps = [np.maximum(run.map(row), 0) for run, row in ((one, a), (two, b))]
        sums = [float(own.sum()) for own in maps]
        for place in np.ndindex(maps[0].shape):
            total += abs(maps[0][place] / sums[0] - maps[1][place] / sums[1]) / 2
        far.append(total)
    (found,) = xh.drift(one, two).classes
    assert found.shift == pytest.approx(np.mean(far), abs=1e-6)


def test_noise_and_tolerance_count(runs):
    far = xh.drift(runs / "left", runs / "right", noise=runs / "right")
    assert far.moved == ()
    assert far.classes[0].noise == far.classes[0].shift > 0
    assert xh.drift(runs / "left", runs / "right", noise=runs / "same").moved
    assert xh.drift(runs / "left", runs / "middle").moved
    assert xh.drift(runs / "left", runs / "middle", tolerated=0.9).moved == ()
    with pytest.raises(BadOption, match="tolerated is a share"):
        xh.drift(runs / "left", runs / "right", tolerated=-1.0)


def test_few_pictures_say_nothing(tmp_path):
    run(tmp_path, "left", LEFT, LEAST - 1)
    run(tmp_path, "right", RIGHT, LEAST - 1)
    (one,) = xh.drift(tmp_path / "left", tmp_path / "right").classes
    assert one.moved is None
    assert math.isnan(one.low)


def test_other_pictures_and_other_grids_are_refused(runs, tmp_path):
    folder(tmp_path / "in", 3)
    for path in sorted((tmp_path / "in").iterdir()):
        path.rename(path.with_name(f"other{path.name}"))
    run(tmp_path, "other", LEFT)
    with pytest.raises(BadOption, match="no explained picture in common"):
        xh.drift(runs / "left", tmp_path / "other")
    xh.batch(
        runs / "in", looking_at(*LEFT), out=tmp_path / "fine", method="occlusion", target=0,
        options={"window": 4, "stride": 4}, layer="input", preprocess={"mode": "unit",
        "input_size": (4, 4)}, labels=["light", "dark"],
    )  # fmt: skip
    with pytest.raises(BadOption, match="Maps of one grid are compared"):
        xh.drift(runs / "left", tmp_path / "fine")


@pytest.mark.parametrize("freedom", [4, 9, 40])
@pytest.mark.parametrize("share", [0.975, 0.995, 0.9995])
def test_quantiles_are_those_of_students_density(freedom, share):
    t = student(share, freedom)
    far = math.atan(t / math.sqrt(freedom))

    def under(top):  # t = √n tan θ makes the density cos^(n-1) θ
        angles = (np.arange(20_000) + 0.5) * top / 20_000
        return float((np.cos(angles) ** (freedom - 1)).sum() * top / 20_000)

    beyond = 0.5 - 0.5 * under(far) / under(math.pi / 2)
    assert beyond == pytest.approx(1 - share, rel=0.06)


def test_the_command_says_it_and_its_code_is_for_a_pipeline(runs, capsys):
    assert main(["drift", str(runs / "left"), str(runs / "right")]) == 1
    said = capsys.readouterr().out
    assert "1 of 1 class moved by more than 0.05" in said
    assert "moved" in said.splitlines()[1]
    assert main(["drift", str(runs / "left"), str(runs / "same"), "--json"]) == 0
    assert '"moved": 0' in capsys.readouterr().out
    assert main(["drift", str(runs / "left"), str(runs / "in")]) == 4
