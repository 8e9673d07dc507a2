"""An audit from pictures to page: planted faults are found, sound networks left in peace."""

import json
from functools import cache

import numpy as np
import onnx
import PIL.Image
import pytest
from audited import network, pictures, saved

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption, InputError, OutputError, XaiHeatmapError
from xai_heatmap.explaining.auditing.picture import Auditor
from xai_heatmap.runners.audit.require import NAMES, figures, requirement

pytestmark = pytest.mark.slow  # each looks at five pictures in full, and at networks drawn again

ASKED = {
    "preprocess": "tf", "methods": ["gradcam", "layercam"], "layers": ["act1", "act2"],
    "passes": 32, "closer": 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Audits of the small network by fault, each made once."""
    place = tmp_path_factory.mktemp("audits")
    folder = pictures(place / "in", 5)
    close = ("", "shifted", "twice")

    @cache
    def audit(fault):
        how = ASKED | {"closer": 5 if fault in close else 0}
        how |= {"methods": ["layercam"]} if fault else {}
        return xh.audit(network(fault), folder, out=place / f"of {fault}", **how)

    return audit


def test_of_a_sound_network_nothing_is_said(audits):
    found = audits("")
    assert audits("softmax").findings == []
    assert found.findings == []
    assert found.document["notes"] == []
    assert found.document["predictions"]["own_call"] < 1e-5


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("dead", "layers", "9 of 12 channels of act2"),
        ("saturated", "layers", "of the values of act1 stand at the end"),
        ("shifted", "registration", "Cells of act1 answer to what lies (down, right) (-11"),
        ("twice", "predictions", "a softmax was applied to a softmax"),
        ("chance", "predictions", "answers the same picture differently: 5 of 5"),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(audits, fault, check, said):
    (found,) = audits(fault).document["findings"]
    assert found["check"] == check
    assert said in found["text"]


def test_a_network_of_chance_has_no_share_of_anything(audits):
    document = audits("chance").document
    assert all(one["share"] is None for one in document["tested"])
    assert document["recommended"]["name"] is None


def test_shares_are_counts_of_pictures_with_their_intervals(audits):
    found = audits("")
    folder = found.folder
    records = [json.loads(p.read_text()) for p in sorted((folder / "work").glob("picture*"))]
    assert len(records) == 5
    for one in found.document["tested"]:
        words = [record["maps"][one["name"]]["word"] for record in records]
        assert one["passed"] == words.count("predicts")
        assert one["share"] == one["passed"] / 5
        assert one["low"] <= one["share"] <= one["high"]
    assert {one["name"] for one in found.document["tested"]} == {
        f"{method}@{layer}" for method in ("gradcam", "layercam") for layer in ("act1", "act2")
    }


def test_maps_of_a_picture_are_those_of_explain_and_so_are_their_tests(audits):
    found = audits("")
    record = json.loads(min((found.folder / "work").glob("picture*")).read_text())
    alone = xh.compare(
        network(), record["uri"], methods=ASKED["methods"], layers=ASKED["layers"],
        preprocess="tf", test=True, passes=32,
    )  # fmt: skip
    for one in alone:
        own = record["maps"][f"{one.method}@{one.layer.name}"]
        assert one.tested.word == own["word"]
        assert one.tested.agreement == pytest.approx(own["agreement"], abs=1e-6)


def test_weights_are_drawn_again_and_the_model_stays(tmp_path):
    file = saved(tmp_path / "net.onnx")
    before = file.read_bytes()
    model = onnx.load(file)
    kept = model.SerializeToString()
    folder = pictures(tmp_path / "in", 5)
    told = []
    asked = ASKED | {"closer": 5, "listen": told.append}
    found = xh.audit(model, folder, out=tmp_path / "out", **asked)
    # five pictures and five networks are no ten pictures
    assert {(one.of, one.total) for one in told} == {("check", 10)}
    assert (told[-1].done, told[-1].complete) == (10, True)
    assert model.SerializeToString() == kept
    assert file.read_bytes() == before
    drawn = {one["name"]: one for one in found.document["weights"]}
    assert [len(one["parts"]) for one in drawn.values()] == [1, 2, 3, 1, 1]
    behind = drawn["cascade-0"]["maps"]
    assert all(one["pictures"] == 5 for one in behind.values())
    everything = drawn["cascade-2"]["maps"]["layercam@act2"]["like"]
    assert everything < 0.9
    alone = json.loads(next((tmp_path / "out" / "work").glob("weights-alone-0*")).read_text())
    assert alone["weights"] == 1


def test_a_stopped_audit_goes_on_and_does_every_picture_once(tmp_path, monkeypatch):
    folder = pictures(tmp_path / "in", 5)
    whole = xh.audit(network(), folder, out=tmp_path / "whole", **ASKED | {"closer": 0})
    asked = []
    record = Auditor.record

    def counted(self, picture, *, closer):
        asked.append(picture.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return record(self, picture, closer=closer)

    monkeypatch.setattr(Auditor, "record", counted)
    with pytest.raises(KeyboardInterrupt):
        xh.audit(network(), folder, out=tmp_path / "two", **ASKED | {"closer": 0})
    again = xh.audit(network(), folder, out=tmp_path / "two", **ASKED | {"closer": 0})
    assert asked == ["000.png", "001.png", "002.png", "002.png", "003.png", "004.png"]
    assert again.document == whole.document
    third = xh.audit(network(), folder, out=tmp_path / "two", **ASKED | {"closer": 0})
    assert len(asked) == 6
    assert third.document == whole.document


def test_another_question_or_network_is_refused_in_the_same_folder(tmp_path):
    folder, own = pictures(tmp_path / "in", 2), ASKED | {"closer": 0}
    xh.audit(network(), folder, out=tmp_path / "out", **own)
    with pytest.raises(BadOption, match="passes was 32 and is 64"):
        xh.audit(network(), folder, out=tmp_path / "out", **own | {"passes": 64})
    with pytest.raises(BadOption, match="another network"):
        xh.audit(network("shifted"), folder, out=tmp_path / "out", **own)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letters.txt").write_text("mine")
    with pytest.raises(OutputError, match="letters"):
        xh.audit(network(), folder, out=tmp_path / "other", **own)


@pytest.mark.parametrize(
    ("how", "changed"),
    [({"most": 3}, "pictures"), ({"seed": 1}, "seed"), ({"methods": ["eigencam"]}, "tested")],
)
def test_an_argument_that_is_ignored_would_change_nothing(tmp_path, audits, how, changed):
    folder = pictures(tmp_path / "in", 5)
    own = xh.audit(network(), folder, out=tmp_path / "out", **ASKED | {"closer": 0} | how)
    if changed == "pictures":
        assert [own.document["pictures"][k] for k in ("asked", "of")] == [3, 5]
        assert any("3 of 5 pictures were taken" in one for one in own.document["notes"])
    elif changed == "seed":
        record = json.loads(min((tmp_path / "out" / "work").glob("picture*")).read_text())
        first = json.loads(min((audits("").folder / "work").glob("picture*")).read_text())
        assert record["odd"] != first["odd"]
    else:
        assert {one["method"] for one in own.document["tested"]} == {"eigencam"}


def test_one_picture_is_too_few_for_any_share(tmp_path):
    found = xh.audit(network(), pictures(tmp_path / "in", 1), out=tmp_path / "out", **ASKED)
    assert all(one["share"] is None for one in found.document["tested"])
    assert found.recommended is None
    assert any("too few for any share" in note for note in found.document["notes"])
    assert found.document["layers"] == found.document["registration"] == []
    assert found.figures["tested"] is None
    page = found.page.read_text()
    assert "too few for any share" in page


def test_bad_folders_are_told_in_words(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="No picture lies in the folder"):
        xh.audit(network(), empty, out=tmp_path / "a", **ASKED)
    (empty / "notes.png").write_text("no picture")
    with pytest.raises(InputError, match="None of 1 picture could be looked at"):
        xh.audit(network(), empty, out=tmp_path / "b", **ASKED)
    with pytest.raises(XaiHeatmapError, match="NaN or infinity"):
        xh.audit(network("nan"), pictures(tmp_path / "in", 2), out=tmp_path / "c", **ASKED)
    with pytest.raises(BadOption, match="reads its pictures from files"):
        xh.audit(network(), [np.zeros((8, 8, 3))], out=tmp_path / "d", **ASKED)


def test_flat_pictures_are_counted_and_tell_nothing(tmp_path):
    for name in range(5):
        flat = np.full((32, 32, 3), 40 + 30 * name, np.uint8)
        PIL.Image.fromarray(flat).save(tmp_path / f"{name}.png")
    found = xh.audit(network(), tmp_path / "*.png", out=tmp_path / "out", **ASKED | {"closer": 5})
    assert "5 pictures are flat: one colour throughout." in found.document["notes"]
    assert all(one["share"] is None for one in found.document["tested"])
    assert found.document["registration"] == []


def test_a_function_has_no_weights_and_says_so(tmp_path):
    def function(x):
        return np.stack([x[:, c, :16].mean((1, 2)) * 5 for c in range(3)], axis=1)

    found = xh.audit(
        function, pictures(tmp_path / "in", 5), out=tmp_path / "out", preprocess="tf",
        methods=["occlusion"], layers=["input"], passes=32, closer=5,
    )  # fmt: skip
    assert any("no weights that could be drawn again" in one for one in found.document["notes"])
    assert found.document["weights"][0]["error"]


def test_page_and_figures_lie_beside_each_other_and_agree(audits):
    found = audits("dead")
    document = json.loads((found.folder / "audit.json").read_text())
    assert document["findings"] == found.document["findings"]
    page = found.page.read_text()
    for text in (
        "9 of 12 channels",
        "prefers-color-scheme: dark",
        "Which map holds up",
        "layercam",
    ):
        assert text in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_requirements_are_read_and_met_by_their_figures(audits):
    found = audits("dead")
    assert found.missed("findings<=0", "dead>=0.7", "failed<=1%") == [requirement("findings<=0")]
    share = found.figures["tested.layercam@act2"]
    assert found.missed(f"tested.layercam@act2=={share}") == []
    assert set(NAMES) <= set(figures(found.document))
    for text in ("tested", "tested>=much", "tosted>=0.9", ">=0.9"):
        with pytest.raises(BadOption):
            requirement(text)
    with pytest.raises(BadOption, match=r"tested\.layercam@act3"):
        found.missed("tested.layercam@act3>0")
    assert audits("chance").missed("tested>=0") == [requirement("tested>=0")]


@pytest.fixture
def line(tmp_path, capsys):
    file, folder = saved(tmp_path / "net.onnx"), pictures(tmp_path / "in", 5)
    (folder / "cut.png").write_bytes(b"\x89PNG")

    def run(*words, out="out"):
        code = main(
            ["audit", str(file), str(folder), "--preprocess", "tf", "--passes", "32", "--layer",
             "act2", "--method", "layercam,gradcam", "--closer", "0", "-o", str(tmp_path / out),
             *words]
        )  # fmt: skip
        return code, *capsys.readouterr()

    return run


def test_the_line_prints_shares_and_a_recommendation_and_requires(line, tmp_path):
    code, out, err = line()
    assert code == 1  # one picture could not be looked at
    assert "layercam" in out
    assert "1 of 6 pictures could not be looked at" in out
    assert "audit.html" in out
    code, out, err = line("--require", "findings<=0", "--require", "tested>1", "--json")
    assert code == 5
    document = json.loads(out)
    assert document["required"] == [
        {"requirement": "findings<=0", "met": True}, {"requirement": "tested>1", "met": False},
    ]  # fmt: skip
    assert "not met: tested>1" in err
    code, out, err = line("--quiet", "--require", "findings<=0")
    assert (code, out) == (1, "")


def test_the_line_says_what_is_missing_before_it_opens_anything(line, capsys):
    assert main(["audit", "net.onnx"]) == 2
    assert "xai-heatmap audit MODEL FOLDER" in capsys.readouterr().err
    code, _, err = line("--require", "tosted>=0.9", out="new")
    assert code == 2
    assert "tested" in err
    code, out, _ = line("--print-config")
    assert code == 0
    assert "passes = 32" in out
