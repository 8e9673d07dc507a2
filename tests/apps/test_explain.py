import json
import os
import runpy
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import save_file

import xai_heatmap as xh
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.sources.image import LIMIT


def arrays(said):
    return [np.load(e["arrays"])["map"] for row in said.json for e in row["explanations"]]


def picture(said, index=0):
    with PIL.Image.open(said.json[0]["explanations"][index]["picture"]) as found:
        return np.asarray(found)


def test_a_picture_is_explained_and_written(explain, place):
    said = explain("--out", "maps", "--labels", "labels.csv")
    assert said.code == 0, said.err
    assert said.err == ""
    assert "dog.png (60 x 40)" in said.out
    assert "method   gradcam" in said.out
    assert "layer    2  6x32x48  auto: the last grid" in said.out
    assert "imagenet, crop 0.875, 32x48" in said.out
    assert "explain" in said.out.splitlines()[-1]
    written = sorted(p.suffix for p in (place / "maps").iterdir())
    assert written == [".json", ".npz", ".png"]
    shown = next(line for line in said.out.splitlines() if line.startswith("picture"))
    assert (place / shown.removeprefix("picture").strip()).exists()


def test_without_out_the_folder_is_heatmaps(explain, place):
    assert explain().code == 0
    assert (place / "heatmaps" / "manifest.json").exists()


def test_a_pipe_gets_neither_colours_nor_bars(explain):
    said = explain("--labels", "labels.csv")
    assert "\x1b" not in said.out
    assert not set(said.out) & set("█▏▎▍▌▋▊▉━│┃┌╭")


def test_json_is_one_document_with_every_fact(explain):
    said = explain("--json", "--labels", "labels.csv")
    (row,) = said.json
    assert row["error"] is None
    assert row["image"] == "dog.png"
    assert set(row["seconds"]) == {"read", "explain", "draw and write"}
    (one,) = row["explanations"]
    assert one["method"] == "gradcam"
    assert sum(p["probability"] for p in one["predictions"]) == pytest.approx(1, abs=1e-5)
    assert {p["label"] for p in one["predictions"]} == {"dog, hound", "cat", "t-rex"}
    assert said.err == ""


@pytest.mark.slow
def test_layer_and_its_forms(explain):
    def layers(*words):
        flags = [f for word in words for f in ("--layer", word)]
        return [e["layer"] for e in explain("--json", *flags).json[0]["explanations"]]

    assert layers("auto") == ["2"]
    assert layers("0") == ["0"]
    assert layers("-1") == ["2"]
    assert layers("[01]") == ["0", "1"]
    assert layers("all") == ["0", "1", "2"]
    assert layers("1", "auto") == ["1", "2"]


def test_method_is_heeded_and_can_be_repeated(explain):
    said = explain("--json", "--method", "layercam", "--method", "eigencam")
    assert [e["method"] for e in said.json[0]["explanations"]] == ["layercam", "eigencam"]
    assert len({array.tobytes() for array in arrays(said)}) == 2


@pytest.mark.slow
def test_option_for_every_method_that_has_it(explain):
    assert arrays(explain("--json"))[0].min() >= 0
    assert arrays(explain("--json", "--option", "relu=false"))[0].min() < 0
    only = explain("--json", "--method", "eigencam", "--method", "gradcam", "--option", "relu=no")
    assert [e["options"] for e in only.json[0]["explanations"]] == [{}, {"relu": False}]
    one = explain("--json", "--option", "gradcam.relu=false")
    assert one.json[0]["explanations"][0]["options"] == {"relu": False}


@pytest.mark.slow
def test_target_by_rank_index_name_and_difference(explain):
    def targets(*words):
        flags = [f for word in words for f in ("--target", word)]
        said = explain("--json", "--labels", "labels.csv", *flags)
        return [e["target"] for e in said.json[0]["explanations"]]

    ranked = targets("top3")
    assert sorted(ranked) == ["cat", "dog, hound", "t-rex"]
    assert targets("top1") == targets() == ranked[:1]
    assert targets("1") == ["cat"]
    assert targets("-1") == ["t-rex"]
    assert targets("hound") == ["dog, hound"]
    assert targets("t-rex") == ["t-rex"]
    assert targets("cat-t-rex") == ["cat - t-rex"]
    assert targets("0-cat") == ["dog, hound - cat"]
    assert targets("cat", "0") == ["cat", "dog, hound"]


@pytest.mark.slow
def test_several_maps_come_with_a_sheet(explain, place):
    said = explain("--method", "gradcam", "--method", "eigencam")
    assert said.code == 0
    assert "sheet    heatmaps/dog.sheet.png" in said.out
    assert (place / "heatmaps" / "dog.sheet.png").exists()
    assert said.out.count("\nmap ") == 2
    assert explain("--json", "--out", "one").json[0]["sheet"] is None


@pytest.mark.parametrize(
    ("flags", "facts"),
    [
        (["--preprocess", "tf"], {"mode": "tf"}),
        (["--mean", "0.1,0.2,0.3"], {"mean": [0.1, 0.2, 0.3]}),
        (["--std", "2"], {"std": [2.0]}),
        (["--size", "16"], {"input_size": [16, 16]}),
        (["--fit", "stretch"], {"fit": "stretch"}),
        (["--crop", "0.5"], {"ratio": 0.5}),
        (["--resampling", "bicubic"], {"resampling": "bicubic"}),
    ],
)
def test_every_preprocessing_flag_is_heeded(explain, flags, facts):
    plain = explain("--json", "--layer", "0")
    said = explain("--json", "--layer", "0", "--out", "other", *flags)
    found = said.json[0]["explanations"][0]["preprocess"]
    assert {name: found[name] for name in facts} == facts
    a, b = arrays(plain)[0], arrays(said)[0]
    assert a.shape != b.shape or not np.array_equal(a, b)


@pytest.mark.parametrize(
    "flags",
    [
        ["--colormap", "viridis"],
        ["--alpha", "0.2"],
        ["--contour"],
        ["--legend"],
        ["--no-caption"],
    ],
)
def test_every_drawing_flag_is_heeded(explain, flags):
    plain, drawn = explain("--json"), explain("--json", "--out", "drawn", *flags)
    assert not np.array_equal(picture(plain), picture(drawn))


@pytest.mark.parametrize("flag", ["mute", "smooth"])
def test_flags_of_the_drawing_say_yes_and_no(explain, flag):
    always = ["--json", "--size", "16", "--no-caption"]
    yes, no = (explain(*always, "--out", f"{own}x", f"--{own}{flag}") for own in ("", "no-"))
    assert (picture(yes) != picture(no)).any(), flag


@pytest.mark.parametrize(
    ("flags", "how"),
    [
        ([], {}),
        (
            ["--legend", "--no-mute", "--no-smooth"],
            {"legend": True, "mute": False, "smooth": False},
        ),
        (["--contour", "--colormap", "jet"], {"contour": True, "colormap": "jet"}),
        (["--alpha", "0", "--contour"], {"alpha": 0.0, "contour": True}),
    ],
)
def test_python_and_the_command_line_draw_the_same_pixels(explain, place, flags, how):
    bare = explain("--json", "--no-caption", "--out", "bare", *flags)
    lined = explain("--json", *flags)
    network = xh.network(runpy.run_path(str(place / "net.py"))["net"]())
    e = xh.explain(
        network, place / "dog.png", preprocess={"mode": "imagenet", "input_size": [32, 48]}
    )
    drawn = e.overlay(**how)
    np.testing.assert_array_equal(picture(bare), drawn)
    np.testing.assert_array_equal(picture(lined), e.captioned(drawn))
    np.testing.assert_array_equal(picture(lined), e.overlay(caption=True, **how))
    for caption, wanted in ((False, picture(bare)), (True, picture(lined))):
        png, *_ = e.save(place / "own", picture=drawn, caption=caption)
        with PIL.Image.open(png) as found:
            np.testing.assert_array_equal(np.asarray(found), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--colormap", "viridis"], ["--legend"]])
def test_the_sheet_is_drawn_as_the_pictures_are(explain, flags):
    several = ["--json", "--layer", "all"]
    plain, drawn = explain(*several), explain(*several, "--out", "drawn", *flags)
    pages = [Path(said.json[0]["sheet"]).read_bytes() for said in (plain, drawn)]
    assert pages[0] != pages[1]


def test_weights_are_loaded_into_the_factorys_model(explain, place):
    import torch

    weights = {"0.weight": (4, 3, 3, 3), "0.bias": (4,), "2.weight": (6, 4, 3, 3), "2.bias": (6,)}
    weights |= {"5.weight": (3, 6), "5.bias": (3,)}
    torch.save({name: torch.full(shape, 0.1) for name, shape in weights.items()}, "w.pt")
    said = explain("--json", "--weights", "w.pt")
    chances = [p["probability"] for p in said.json[0]["explanations"][0]["predictions"]]
    assert chances == pytest.approx([1 / 3] * 3)


def test_max_pixels_refuses_a_larger_picture(explain):
    said = explain("--max-pixels", "2399")
    assert said.code == 4
    assert said.err.startswith("error XH203: ")
    assert explain("--max-pixels", "2400").code == 0
    assert LIMIT == 200_000_000  # as the help says


@pytest.mark.slow
def test_quiet_prints_errors_alone(explain):
    assert explain("--quiet").out == ""
    said = explain("--quiet", images=["dog.png", "nope.png"])
    assert said.out == ""
    assert said.err.startswith("error XH201: ")


@pytest.mark.slow
def test_one_broken_picture_among_good_ones_is_a_row(explain, place):
    (place / "broken.jpg").write_text("not a picture")
    said = explain(images=["dog.png", "broken.jpg", "cat.png"])
    assert said.code == 1
    assert said.err.count("error XH202") == 1
    assert "broken.jpg" in said.err
    assert [line.split()[0] for line in said.out.splitlines() if ".png" in line] == [
        "dog.png", "cat.png", "sheet",
    ]  # fmt: skip
    said = explain("--json", images=["dog.png", "broken.jpg", "cat.png"])
    assert said.code == 1
    assert [row["error"] and row["error"]["code"] for row in said.json] == [None, "XH202", None]
    assert [len(row["explanations"]) for row in said.json] == [1, 0, 1]


def test_many_pictures_are_one_table_and_a_contact_sheet(explain, place):
    said = explain("--labels", "labels.csv", images=["dog.png", "cat.png", "dog.png"])
    lines = [line for line in said.out.splitlines() if line]
    head = next(line for line in lines if line.startswith("picture"))
    assert head.split() == ["picture", "explained", "p", "verdict", "file"]
    rows = lines[lines.index(head) + 1 : -1]
    assert [row.split()[0] for row in rows] == ["dog.png", "cat.png", "dog.png"]
    assert len({row.index("heatmaps/") for row in rows}) == 1  # columns stand below each other
    assert all(Path(row.split()[-1]).exists() for row in rows)
    assert lines[-1].split() == ["sheet", "heatmaps/sheets/contact-sheet.png"]
    with PIL.Image.open(place / "heatmaps" / "sheets" / "contact-sheet.png") as page:
        assert page.size > (2 * 320, 320)
    assert explain("--quiet", images=["dog.png", "cat.png"]).out == ""
    one = explain("--out", "one")
    assert not (place / "one" / "sheets").exists()
    assert "picture  one/" in one.out


def test_a_contact_sheet_of_more_than_a_page_has_several(explain, place, monkeypatch):
    monkeypatch.setattr("xai_heatmap.runners.contact.MOST", 2)
    said = explain(images=["dog.png", "cat.png", "dog.png"])
    assert said.out.split()[-4:] == [
        "sheet", "heatmaps/sheets/contact-sheet.png",
        "sheet", "heatmaps/sheets/contact-sheet.2.png",
    ]  # fmt: skip


def test_each_picture_is_drawn_once_and_shown_again_on_the_contact_sheet(
    explain, place, monkeypatch
):
    drawn, own = list[str](), Explanation.overlay

    def counted(self, **how):
        drawn.append(self.name)
        return own(self, **how)

    monkeypatch.setattr(Explanation, "overlay", counted)
    explain(images=["dog.png", "cat.png"])
    assert drawn == ["dog.png", "cat.png"]
    with PIL.Image.open(place / "heatmaps" / "sheets" / "contact-sheet.png") as page:
        assert len(page.getcolors(maxcolors=page.width * page.height)) > 1000
    drawn.clear()
    explain("--legend", images=["dog.png", "cat.png"])  # whose numbers are read at their own size
    assert sorted(drawn) == ["cat.png", "cat.png", "dog.png", "dog.png"]


def test_pictures_that_all_fail_are_an_input_error(explain):
    assert explain(images=["no.png", "none.png"]).code == 4


def test_pictures_of_one_name_do_not_overwrite_each_other(explain, place):
    for folder in ("a", "b"):
        (place / folder).mkdir()
    (place / "dog.png").rename(place / "a" / "dog.png")
    (place / "cat.png").rename(place / "b" / "dog.png")
    said = explain("--json", images=["a/dog.png", "b/dog.png"])
    pictures = [row["explanations"][0]["picture"] for row in said.json]
    assert len(set(pictures)) == 2
    assert pictures[0] == "heatmaps/a_dog_png.gradcam.2.class_1.png"


def test_classes_whose_names_begin_alike_do_not_overwrite_each_other(explain, place):
    (place / "alike.txt").write_text("crane, bird\ncrane, machine\ncrane\n")
    said = explain(
        "--json", "--labels", "alike.txt", *["--target", "0", "--target", "1", "--target", "0-1"]
    )
    pictures = [e["picture"] for e in said.json[0]["explanations"]]
    assert len({Path(picture).read_bytes() for picture in pictures}) == 3


def test_what_the_model_prints_goes_to_stderr(explain):
    said = explain("--json", model="net.py:talking")
    assert said.json
    assert "hello from the factory" in said.err


def test_the_verdict_is_shown_where_it_is_not_ok(explain, place):
    text = (place / "net.py").read_text()
    zero = "\ndef zero():\n n = net()\n [nn.init.zeros_(p) for p in n.parameters()]\n return n\n"
    (place / "net.py").write_text(text + zero)
    assert "verdict  dead_gradient: " in explain(model="net.py:zero").out
    assert "verdict" not in explain().out


# bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "code", "exit_code", "words"),
    [
        (["--layer", "9x"], "XH102", 2, "There is no layer '9x'"),
        (["--layer", "77"], "XH102", 2, "3 layers with a grid"),
        (["--layer", "x*"], "XH102", 2, "matches 'x*'"),
        (["--layer", "5"], "XH101", 3, "no grid"),
        (["--method", "gradcan"], "XH104", 2, "Did you mean 'gradcam'?"),
        (["--option", "rely=1"], "XH108", 2, "Did you mean 'relu'?"),
        (["--option", "relu"], "XH108", 2, "name=value"),
        (["--option", "relu=maybe"], "XH108", 2, "takes bool"),
        (["--option", "layercam.relu=1"], "XH108", 2, "not among the methods"),
        (["--target", "cow"], "XH105", 2, "No class is called 'cow'"),
        (["--target", "cat-cow"], "XH105", 2, "No class is called 'cow'"),
        (["--target", "3"], "XH105", 2, "There is no class 3"),
        (["--target", "top4"], "XH105", 2, "rank from 1 to 3"),
        (["--preprocess", "imagenett"], "XH106", 2, "Did you mean 'imagenet'?"),
        (["--mean", "a,b,c"], "XH108", 2, "mean can't be"),
        (["--mean", "1,2"], "XH108", 2, "one for each"),
        (["--std", "0"], "XH108", 2, "above 0"),
        (["--size", "big"], "XH108", 2, "size can't be"),
        (["--size", "0"], "XH108", 2, "at least 1"),
        (["--fit", "zoom"], "XH108", 2, "crop, stretch, letterbox"),
        (["--crop", "0.9", "--fit", "stretch"], "XH108", 2, "--crop goes with --fit crop"),
        (["--resampling", "cubic"], "XH108", 2, "bilinear, bicubic"),
        (["--labels", "no.csv"], "XH108", 2, "no file of labels"),
        (["--colormap", "rainbow"], "XH107", 2, "rainbow"),
        (["--alpha", "2"], "XH108", 2, "[0, 1]"),
        (["--alpha", "thick"], "XH100", 2, "--help"),
        (["--max-pixels", "0"], "XH108", 2, "at least 1"),
        (["--weights", "no.pt"], "XH131", 3, "does not exist"),
        (["--out", "net.py"], "XH401", 4, "is a file"),
        (["--modell", "x"], "XH100", 2, "No such option"),
    ],
)
def test_a_bad_call_ends_in_one_error(explain, place, flags, code, exit_code, words):
    flags = ["--labels", "labels.csv", *flags]
    said = explain(*flags)
    assert said.code == exit_code
    assert said.err.startswith(f"error {code}: ")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert not (place / "heatmaps").exists()
    said = explain("--json", *flags)
    assert said.code == exit_code
    assert said.json["error"]["code"] == code
    assert words in said.json["error"]["message"]


def test_a_size_that_the_model_does_not_take_is_answered_with_one_that_it_does(explain):
    said = explain(model="net.py:picky")
    assert said.code == 4
    assert "XH204" in said.err
    assert "--size 32x32" in said.err


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("net.py:nett", "XH131", "Did you mean 'net'?"),
        ("nett.py:net", "XH131", "no Python file 'nett.py'"),
        ("net.py", "XH132", "--model net.py:net"),
        ("net.py:broken", "XH132", "RuntimeError: no such cable"),
        ("net.py:odd", "XH132", "received int"),
        ("model.keras", "XH131", "no model file 'model.keras'"),
        ("text.keras", "XH132", "not a Keras model"),
        ("empty.keras", "XH132", "0 bytes"),
        ("text.h5", "XH132", "not a Keras model"),
        ("folder", "XH132", "is a folder"),
        ("dog.png", "XH132", "ending that no model has"),
        ("w.safetensors", "XH132", "holds weights but no architecture"),
        ("w.pth", "XH132", "--model module.py:factory --weights w.pth"),
        ("text.pth", "XH132", "can't be read"),
        ("w.onnx", "XH132", "An ONNX model was expected"),
        ("resnet50", "XH131", "torchvision:resnet50"),
        ("torchvison:resnet50", "XH131", "Did you mean 'torchvision'?"),
        ("keras:", "XH131", "names a hub but no model"),
        ("keras:X?weights=some", "XH108", "?weights=none"),
    ],
)
def test_a_model_that_is_none_ends_in_one_error(explain, place, model, code, words):
    for name in ("text.keras", "text.h5", "w.onnx", "text.pth"):
        (place / name).write_text("just some text, and not short")
    weights = {"weight": torch.ones(2, 2)}
    torch.save(weights, place / "w.pth")
    save_file(weights, place / "w.safetensors")
    (place / "empty.keras").touch()
    (place / "folder").mkdir()
    said = explain(model=model)
    assert said.code == (2 if code == "XH108" else 3)
    assert said.err.startswith(f"error {code}: ")
    assert words in said.err
    assert not (place / "heatmaps").exists()


@pytest.mark.slow
def test_a_model_that_does_not_say_how_it_wants_pictures_is_asked_about(cli):
    said = cli("explain", "dog.png", "--model", "net.py:net")
    assert (said.code, said.err[:13]) == (2, "error XH106: ")
    assert "--preprocess" in said.err
    assert cli("explain", "dog.png", "-m", "net.py:net", "--mean", "0.5", "--std", "0.5").code == 0


def test_mean_alone_does_not_replace_an_unknown_preprocessing(cli):
    said = cli("explain", "dog.png", "-m", "net.py:net", "--mean", "0.5")
    assert said.err.startswith("error XH106: ")


@pytest.mark.parametrize("missing", ["model", "picture"])
def test_model_and_picture_are_needed(cli, missing):
    words = ["--model", "net.py:net"] if missing == "picture" else ["dog.png"]
    said = cli("explain", *words)
    assert said.code == 2
    assert f"A {missing} is needed" in said.err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_before_the_model_is_loaded(explain, place):
    (place / "shut").mkdir(mode=0o500)
    said = explain("--out", "shut/maps", model="nope.keras")
    assert (said.code, said.err[:13]) == (4, "error XH401: ")


def test_a_class_by_name_needs_labels(explain):
    said = explain("--target", "cat")
    assert said.code == 2
    assert "--labels FILE" in said.err


def test_print_config_reproduces_the_call(cli, place):
    flags = ["--model", "net.py:net", "--size", "32x48", "--mean", "0.1,0.2,0.3", "--no-contour"]
    flags += ["--layer", "all", "--layer", "[01]", "--target", 'a "b"', "--option", "relu=0"]
    first = cli("explain", "dog.png", *flags, "--print-config")
    assert first.code == 0
    (place / "xai-heatmap.toml").write_text(first.out)
    again = cli("explain", "--print-config")
    assert again.out == first.out


@pytest.mark.slow
def test_a_file_of_settings_runs_as_the_call_did(explain, cli, place):
    called = explain("--json", "--layer", "0", "--target", "1")
    config = explain("--layer", "0", "--target", "1", "--out", "again", "--print-config")
    (place / "xai-heatmap.toml").write_text(config.out)
    again = cli("explain", "--json")
    assert np.array_equal(arrays(called)[0], arrays(again)[0])
    assert again.json[0]["explanations"][0]["picture"].startswith("again")


def test_an_interrupted_run_says_how_far_it_came(explain, monkeypatch):
    from xai_heatmap.apps.cli import explain as command

    def interrupted(job, network):
        yield from list(real(job, network))[:1]
        raise KeyboardInterrupt

    real = command.run
    monkeypatch.setattr(command, "run", interrupted)
    said = explain("--json", images=["dog.png", "cat.png"])
    assert said.code == 130
    assert len(json.loads(said.out)) == 1
    assert "1 of 2 pictures are done" in said.err
