"A network carries on the hand of painted frames."

import json

import pytest
from conftest import fails
from fastai.torch_core import set_seed
from PIL import Image, ImageOps

from faststyle_fastai.all import FaststyleError, Keyframes, Stylizer, read_picture, train


def negative(frame, place):
    "A frame and a version of it whose hand no style loss would learn: light is dark."
    frame = read_picture(frame).resize((96, 64))
    return save(frame, place / "frame.png"), save(ImageOps.invert(frame), place / "mine.png")


def save(image, file):
    image.save(file)
    return file


def brightness(image):
    return sum(image.convert("L").histogram()[128:]) / image.width / image.height


@pytest.mark.slow
def test_a_painted_frame_is_learned(photos, tmp_path):
    set_seed(0)
    frame, painted = negative(photos / "china" / "0.jpg", tmp_path)
    how = {"size": 32, "bs": 2, "images": 16, "epochs": 6, "quiet": True}
    run = train(photos, None, tmp_path / "run", keyframes=[(frame, painted)], **how)
    assert not json.loads((run / "run.json").read_text())["settings"]["plan"]["strokes"]
    paint = Stylizer(run)
    assert paint.styles == ["mine"]
    photo, target = read_picture(frame), read_picture(painted)
    seen = brightness(paint(photo)) - brightness(photo)
    assert abs(brightness(target) - brightness(photo)) > 0.2
    assert seen * (brightness(target) - brightness(photo)) > 0
    save(ImageOps.mirror(photo), frame)
    with pytest.raises(FaststyleError, match="keyframes"):
        train(photos, None, tmp_path / "run", keyframes=[(frame, painted)], resume=True, **how)


def test_the_loss_may_have_other_layers(photos, tmp_path):
    pair = negative(photos / "china" / "0.jpg", tmp_path)
    how = {"size": 32, "bs": 2, "images": 4, "epochs": 1, "quiet": True, "arch": "tiny"}
    layers = {"content_layers": {"relu3_4": 1.0}}
    assert train(photos, None, tmp_path / "run", keyframes=[pair], **how, **layers).is_dir()


def test_a_cropped_painting_is_refused():
    frame = Image.new("RGB", (96, 64))
    with pytest.raises(FaststyleError, match="96 x 64 px, and its painted version 64 x 64"):
        Keyframes([(frame, Image.new("RGB", (64, 64)))])


@pytest.mark.parametrize(
    "given, code, words",
    [
        ([], 2, ["--style", "--keyframe"]),
        (["--keyframe", "a.png", "b.png", "--style", "PHOTO"], 1, ["not found: a.png"]),
        (["--keyframe", "PHOTO"], 1, ["takes two images"]),
        (["--keyframe", "PHOTO", "PHOTO", "--style", "PHOTO"], 2, ["--style", "--keyframe"]),
    ],
)
def test_what_is_wrong_with_a_call(faststyle, photos, photo, given, code, words):
    given = [str(photo) if each == "PHOTO" else each for each in given]
    fails(faststyle("train", photos, "-o", "run", *given), code, *words)
