"A style is refined on one photo, in Python and on the command line."

import time

import pytest
import torch

from faststyle_fastai.all import Stylizer, read_picture, to_tensor
from faststyle_fastai.core.errors import FaststyleError
from faststyle_fastai.inference.refine import (
    AREA,
    FEWEST,
    MOST,
    refining_loss,
    refining_size,
    steps_within,
)


def test_the_loss_falls(photo, painting):
    sight = Stylizer(painting, "cpu", "float32")
    shares = []
    refined = sight.refined(photo, seconds=0, watch=lambda share, _: shares.append(share))
    assert shares == [(i + 1) / FEWEST for i in range(FEWEST)]
    x, loss = to_tensor(read_picture(photo)), refining_loss(to_tensor(read_picture(painting)))
    with torch.no_grad():
        before, after = (loss(paint.paint(x), x).item() for paint in (sight, refined))
    assert after < 0.8 * before
    again = sight.refined(photo, seconds=0)  # and the first network stayed as it was
    assert torch.equal(again.paint(x), refined.paint(x))


def test_a_call_may_refine_first(photo, painting):
    sight, shares = Stylizer(painting, "cpu", "float32"), []
    painted = sight(photo, refine=0.01, keep_colors=True, watch=shares.append)
    refined = sight.refined(photo, seconds=0.01)
    assert shares[-1] == 1
    assert painted.tobytes() == refined(photo, keep_colors=True).tobytes()
    assert painted.tobytes() != sight(photo, keep_colors=True).tobytes()
    with pytest.raises(FaststyleError, match="one style"):
        sight(photo, refine=0.01, mask=photo, black=painting)
    with pytest.raises(ValueError, match="Invalid refine=-1. Use a number of at least 0"):
        sight(photo, refine=-1)
    with pytest.raises(ValueError, match="Unknown style 'cat'"):
        sight(photo, "cat")


def test_a_large_photo_is_refined_small():
    assert refining_size((3000, 4000)) == refining_size((512, 512)) == 512
    assert refining_size((96, 72)) == 72
    wide = refining_size((20_000, 1000))
    assert 20 * wide**2 <= AREA < 20 * (wide + 1) ** 2


def test_a_fast_machine_stops_when_it_is_good():
    assert steps_within(60, lambda: None, time.monotonic()) == MOST
    assert steps_within(0, lambda: None, time.monotonic()) == FEWEST


def test_photos_take_turns(photo, painting):
    sight, seen = Stylizer(painting, "cpu", "float32"), []
    both = photo, photo.with_name("1.jpg")
    half = read_picture(both[1]).resize((48, 36))
    sight.refined([both[0], half], seconds=0, watch=lambda _, painted: seen.append(painted.shape))
    assert [shape[-1] for shape in seen] == [96, 48] * (FEWEST // 2)


def test_ctrl_c_keeps_the_steps_so_far(photo, painting):
    sight, x = Stylizer(painting, "cpu", "float32"), to_tensor(read_picture(photo))

    def press(share, _):
        if share == 0.5:
            raise KeyboardInterrupt

    stopped = sight.refined(photo, seconds=0, watch=press).paint(x)
    assert not torch.equal(stopped, sight.paint(x))
    assert not torch.equal(stopped, sight.refined(photo, seconds=0).paint(x))


def test_a_style_without_its_painting_is_refused(trained, photo):
    paint = Stylizer(trained, "cpu")
    with pytest.raises(FaststyleError, match="needs its painting"):
        paint.refined(photo)
    with pytest.raises(FaststyleError, match="A mix cannot be refined"):
        Stylizer("slim", "cpu").refined(photo, style={"udnie": 0.5, "the_scream": 0.5})


def test_from_the_command_line(faststyle, photo, painting, tmp_path):
    how = "--refine", 0.01, "--quiet", "--precision", "float32"
    one, kept = tmp_path / "one.png", tmp_path / "kept.safetensors"
    faststyle("stylize", photo, "--style", painting, "-o", one, *how, "--save-style", kept)
    assert read_picture(one).tobytes() == Stylizer(kept, "cpu", "float32")(photo).tobytes()
    assert read_picture(one).tobytes() != Stylizer(painting, "cpu", "float32")(photo).tobytes()


def test_transparency_is_kept(photo, painting):
    see_through = read_picture(photo).copy()
    see_through.putalpha(128)
    refined = Stylizer(painting, "cpu").refined(see_through, seconds=0, size=48)
    assert refined(see_through).getchannel("A").getextrema() == (128, 128)


def test_a_style_of_ones_own_with_a_built_in_name_needs_its_painting(photo, tmp_path):
    Stylizer("udnie", "cpu").refined(photo, seconds=0).save(tmp_path / "udnie.safetensors")
    with pytest.raises(FaststyleError, match="needs its painting"):
        Stylizer(tmp_path / "udnie.safetensors", "cpu").refined(photo)


def test_each_photo_of_a_folder_or_one_for_all(faststyle, photo, tmp_path):
    both = photo, photo.with_name("1.jpg")
    for out, more in (("each", []), ("once", ["--refine-on", photo])):
        how = ["--refine", 0.01, "--precision", "float32", *more]
        faststyle("stylize", *both, "--style", "udnie", "-o", tmp_path / out, *how)
    each, once = (
        [read_picture(f).tobytes() for f in sorted((tmp_path / out).iterdir())]
        for out in ("each", "once")
    )
    assert each[0] == once[0] and each[1] != once[1]


@pytest.mark.parametrize(
    "options, why",
    [
        (["--save-style", "a.safetensors"], "--save-style needs --refine"),
        (["--refine", 1, "--save-style", "a.pt"], "must end in .safetensors"),
        (["--refine", 1, "--mix", "udnie=.5"], "--refine takes one style"),
    ],
)
def test_options_that_do_not_go_together(faststyle, photo, tmp_path, options, why):
    ended = faststyle("stylize", photo, "--style", "great_wave", "-o", tmp_path, *options)
    assert ended.returncode and why in ended.stderr
