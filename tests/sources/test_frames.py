"""Frames of a source: one after the other, each with a key to resume by."""

from xai_heatmap.sources.frames import pictures

PATHS = ["a/cat.png", "b/cat.png", "dog.png", "dog.png"]


def test_a_frame_for_each_path_in_order():
    found = list(pictures(PATHS))
    assert [frame.path for frame in found] == PATHS
    assert [frame.name for frame in found] == ["a_cat_png", "b_cat_png", "dog.png", "dog.png"]


def test_keys_tell_all_apart_and_are_the_same_again():
    keys = [frame.key for frame in pictures(PATHS)]
    assert len(set(keys)) == 4
    assert keys == [frame.key for frame in pictures(PATHS)]
    assert keys[2:] == ["dog.png", "dog.png#2"]


def test_what_is_done_is_left_out_and_nothing_changes_its_name():
    every = list(pictures(PATHS))
    done = {every[0].key, every[2].key}
    assert list(pictures(PATHS, done=done)) == [every[1], every[3]]
    assert list(pictures(PATHS, done=[frame.key for frame in every])) == []


def test_nothing_is_read_before_its_turn():
    assert next(pictures(["no such file.png"])).path == "no such file.png"
