import pytest

from xai_heatmap.core.errors import BadOption
from xai_heatmap.sources.labels import labels

PAIR = ("tench, Tinca", "goldfish")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", 'index,wnid,name\n1,n1,goldfish\n0,n0,"tench, Tinca"\n'),
        ("l.csv", 'name\n"tench, Tinca"\ngoldfish\n'),
        ("l.csv", '"tench, Tinca"\ngoldfish\n'),
        ("l.csv", '1,goldfish\n0,"tench, Tinca"\n'),
        ("l.csv", '\ufeffName,Other\n"tench, Tinca",x\ngoldfish,y\n\n'),
        ("l.txt", "tench, Tinca\ngoldfish\n"),
        ("l.txt", "tench, Tinca\r\ngoldfish\r\n\r\n"),
        ("l.json", '["tench, Tinca", "goldfish"]'),
        ("l.json", '{"1": "goldfish", "0": "tench, Tinca"}'),
        ("l.json", '{"0": ["n0", "tench, Tinca"], "1": ["n1", "goldfish"]}'),
    ],
)
def test_every_form_gives_the_names_in_output_order(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert labels(tmp_path / name) == PAIR


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("l.csv", "a,b,c\nd,e,f\n", "no column called name"),
        ("l.csv", "index,name\n0,tench\n2,goldfish\n", "none with index 1"),
        ("l.csv", "index,name\n0\n", "shorter"),
        ("l.csv", "index,name\nx,tench\n", "whole numbers"),
        ("l.json", "{", "not JSON"),
        ("l.json", "7", "hold a int"),
        ("l.json", "[7]", "not text"),
        ("l.json", '{"1": "goldfish"}', "none with index 0"),
        ("l.txt", "", "is empty"),
        ("l.csv", "", "is empty"),
    ],
)
def test_a_file_that_is_off_says_how(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadOption) as caught:
        labels(tmp_path / name)
    assert words in str(caught.value)


def test_what_is_no_text_file(tmp_path):
    (tmp_path / "l.txt").write_bytes(b"\xff\xfe\x00")
    for name, words in (("none.txt", "no file of labels"), ("l.txt", "can't"), (".", "can't")):
        with pytest.raises(BadOption, match=words):
            labels(tmp_path / name)
