"Painting on the image itself, and networks refined for films."

import shutil
import time

import pytest
import torch
from PIL import Image

from faststyle_fastai.all import Stylizer, optimize_style, read_picture, to_tensor
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
    assert refined(photo).tobytes() != sight(photo).tobytes()
    assert shares == [(i + 1) / FEWEST for i in range(FEWEST)]
    x, loss = to_tensor(read_picture(photo)), refining_loss(to_tensor(read_picture(painting)))
    with torch.no_grad():
        before, after = (loss(paint.paint(x), x).item() for paint in (sight, refined))
    assert after < 0.8 * before
    again = sight.refined(photo, seconds=0)  # and the first network stayed as it was
    assert torch.equal(again.paint(x), refined.paint(x))


def test_a_call_may_paint_on_the_image_itself(photo, painting):
    sight, shares = Stylizer(painting, "cpu", "float32"), []
    painted = sight(photo, refine=0.01, watch=shares.append)
    assert shares[-1] == 1 and shares == sorted(shares)
    assert painted.tobytes() == sight(photo, refine=0.01).tobytes() != sight(photo).tobytes()
    half = to_tensor(sight(photo, refine=0.01, strength=0.5))
    between = (to_tensor(painted) + to_tensor(read_picture(photo))) / 2
    assert (half - between).abs().max() < 0.01
    assert sight(photo, refine=0.01, likeness=0.2).tobytes() != painted.tobytes()
    with pytest.raises(ValueError, match="Invalid refine=-1. Use a number of at least 0"):
        sight(photo, refine=-1)
    with pytest.raises(ValueError, match="Invalid likeness=2"):
        sight(photo, refine=1, likeness=2)
    with pytest.raises(ValueError, match="Unknown style 'cat'"):
        sight(photo, "cat")


@pytest.mark.slow
def test_masks_backgrounds_and_mixtures_are_painted_so(photo, painting):
    both = Stylizer([painting, "udnie"], "cpu", "float32")
    left = Image.new("L", (96, 72))
    left.paste(255, (0, 0, 48, 72))
    x, name = to_tensor(read_picture(photo)), both.styles[0]
    masked = to_tensor(both(photo, name, refine=0.01, mask=left))
    assert (masked - x)[..., 48:].abs().max() < 0.01 < (masked - x)[..., :48].abs().mean()
    second = to_tensor(both(photo, name, refine=0.01, mask=left, black="udnie"))
    assert torch.equal(second[..., :47], masked[..., :47])
    mixed = both(photo, {name: 0.5, "udnie": 0.5}, refine=0.01)
    assert mixed.tobytes() not in {both(photo, n, refine=0.01).tobytes() for n in both.styles}


def test_a_large_photo_is_painted_small_and_enlarged(photo, painting):
    large = read_picture(photo).resize((1400, 1050))
    paint = Stylizer(painting, "cpu", "float32")
    whole = paint(large, refine=0.01, size=64)
    tiled = paint(large, refine=0.01, size=64, tile=512)
    assert whole.size == tiled.size == large.size
    assert (to_tensor(whole) - to_tensor(tiled)).abs().mean() < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (5, 40), (700, 3)])
def test_tiny_and_narrow_photos(photo, painting, size):
    narrow = read_picture(photo).resize(size)
    assert Stylizer(painting, "cpu")(narrow, refine=0.01).size == size


def test_a_mask_that_is_all_white_or_black(photo, painting):
    paint = Stylizer([painting, "udnie"], "cpu", "float32")
    for color in ("white", "black"):
        mask = Image.new("L", (96, 72), color)
        made = optimize_style(photo, [painting, photo], mask=mask, end_scale=48, device="cpu")
        assert made.size == (48, 36)
    assert paint(photo, refine=0.01, mask=mask).size == (96, 72)


def test_ctrl_c_keeps_the_strokes_so_far(photo, painting):
    paint = Stylizer(painting, "cpu", "float32")

    def press(share):
        if share > 0.4:
            raise KeyboardInterrupt

    stopped = paint(photo, refine=0.01, watch=press)
    assert stopped.size == (96, 72)
    assert stopped.tobytes() not in (paint(photo).tobytes(), paint(photo, refine=0.01).tobytes())


def test_a_large_photo_is_refined_small():
    assert refining_size((3000, 4000)) == refining_size((512, 512)) == 512
    assert refining_size((96, 72)) == 72
    wide = refining_size((20_000, 1000))
    assert 20 * wide**2 <= AREA < 20 * (wide + 1) ** 2


def test_a_fast_machine_stops_when_it_is_good():
    assert steps_within(60, lambda: None, time.perf_counter()) == MOST
    assert steps_within(0, lambda: None, time.perf_counter()) == FEWEST


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
    how, one = ("--refine", 0.01, "--quiet", "--precision", "float32"), tmp_path / "one.png"
    made = faststyle("stylize", photo, "--style", painting, "-o", one, *how, "--likeness", 0.5)
    assert made.returncode == 0, made.stderr
    paint = Stylizer(painting, "cpu", "float32")
    again = paint(photo, refine=0.01, likeness=0.5)
    assert (to_tensor(read_picture(one)) - to_tensor(again)).abs().mean() < 0.01
    assert read_picture(one).tobytes() != paint(photo).tobytes()


def test_transparency_is_kept(photo, painting):
    see_through = read_picture(photo).copy()
    see_through.putalpha(128)
    painted = Stylizer(painting, "cpu")(see_through, refine=0.01, size=48)
    assert painted.getchannel("A").getextrema() == (128, 128)


def test_a_style_of_ones_own_with_a_built_in_name_needs_its_painting(photo, tmp_path):
    Stylizer("udnie", "cpu").refined(photo, seconds=0).save(tmp_path / "udnie.safetensors")
    with pytest.raises(FaststyleError, match="needs its painting"):
        Stylizer(tmp_path / "udnie.safetensors", "cpu").refined(photo)


def test_a_trained_style_with_its_painting(faststyle, trained, photo, painting, tmp_path):
    both = photo, photo.with_name("1.jpg")
    trained.export(tmp_path / "own.pkl")
    own = "--style", tmp_path / "own.pkl", "--trust-pickle"
    how = *own, "--refine", 0.01, "-o", tmp_path / "out"
    refused = faststyle("stylize", photo, *how)
    assert refused.returncode == 1 and "needs its painting" in refused.stderr
    made = faststyle("stylize", *both, *how, "--painting", painting)
    assert made.returncode == 0 and len(list((tmp_path / "out").iterdir())) == 2, made.stderr


@pytest.mark.parametrize(
    "options, why",
    [
        (["--likeness", 0.5], "--likeness needs --refine"),
        (["--painting", "a.png"], "--painting needs --refine"),
    ],
)
def test_options_that_do_not_go_together(faststyle, photo, tmp_path, options, why):
    shutil.copy(photo, "a.png")
    ended = faststyle("stylize", photo, "--style", "great_wave", "-o", tmp_path, *options)
    assert ended.returncode and why in ended.stderr
