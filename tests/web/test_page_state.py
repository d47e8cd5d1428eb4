"What the page knows of styles, owners and films."

import json
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pages import call, send
from PIL import Image
from public import added, noisy, png

from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.models.normalization import is_affine
from faststyle_fastai.models.stylefile import load_style, save_network
from faststyle_fastai.web.library import StyleLibrary
from faststyle_fastai.web.refining import Refined
from faststyle_fastai.web.visits import Owners, Visit, Visitors


def test_owners_are_known_after_a_restart_and_their_secrets_are_not_kept(tmp_path):
    shelf = StyleLibrary(tmp_path, "cpu")
    several(1, tmp_path / "Sea.safetensors")
    one = Owners(False, shelf)
    one.own(Visit("ann's secret"), "Sea: waves")
    again = Owners(False, shelf)
    again.check(Visit("ann's secret"), "Sea")
    with pytest.raises(Exception, match="It belongs to someone else"):
        again.check(Visit("bob"), "Sea")
    assert "secret" not in (tmp_path / ".owners.json").read_text()
    (tmp_path / "Sea.safetensors").unlink()
    assert Owners(False, shelf).names == {}
    (tmp_path / ".owners.json").write_text("null")
    assert Owners(False, shelf).names == {}


def test_what_was_refined_in_a_style_follows_its_name_and_ends_with_it():
    visitors, refined = Visitors(), Refined(Path("a.png"), None)
    for name in ("ann", "bob"):
        closer = {("photo", "Sea"): refined, ("photo", "Seaside"): refined}
        visitors.visits[name] = Visit(name, closer=closer)
    visitors.rename("Sea", "Lake")
    for visit in visitors.visits.values():
        assert {style for _, style in visit.closer} == {"Lake", "Seaside"}
    visitors.rename("Lake", None)  # another style may get the name
    assert [[*visit.closer] for visit in visitors.visits.values()] == [[("photo", "Seaside")]] * 2


def test_paintings_of_one_name_that_come_at_once_are_two_styles(public):
    said = []

    def add(seed):
        said.append(json.loads(send(public, "style", noisy(seed, 700), {"name": "image.png"})[1]))

    threads = [threading.Thread(target=add, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one["name"] for one in said}) == 4


def several(n, path):
    "A file of n styles."
    net, info, _ = load_style(builtin_path("gallery", "tiny"))
    state = {
        k: v[:1].repeat(n, *[1] * (v.dim() - 1)) if is_affine(k) else v
        for k, v in net.state_dict().items()
    }
    info |= {"styles": [f"s{i}" for i in range(n)], "base": "", "palettes": {}}
    return save_network(state, info, None, path)


def test_a_damaged_painting_beside_a_style_leaves_the_page_whole(public, public_styles):
    several(1, public_styles / "Held.safetensors")
    (public_styles / "Held.png").write_bytes(png("red")[:60])
    assert call(public, "/")[0] == 200 and "Held" in call(public, "/api/styles")[1]


def test_files_of_very_many_styles_are_refused(public, tmp_path):
    file = several(101, tmp_path / "many.safetensors")
    status, said, _ = send(public, "style", file.read_bytes(), {"name": "many.safetensors"})
    assert status == 400 and b"more than 100 styles" in said


def picture(answer):
    status, data, _ = answer
    assert status == 200, data
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), float)


def test_the_moment_of_a_video_looks_as_the_video_will(public, film):
    name = added(public, "sky.png", "blue", "kim")
    assert send(public, "film", film.read_bytes(), {"name": "a.mp4"}, "kim")[0] == 200
    frame = BytesIO()
    Image.fromarray(picture(send(public, "frame_at", b"", {"share": 0}, "kim")).astype("u1")).save(
        frame, "PNG"
    )
    how = {"style": name}
    steady = picture(send(public, "paint", b"", how, "kim"))
    at_sight = picture(send(public, "paint", b"", how | {"painterly": True}, "kim"))
    assert send(public, "photo", frame.getvalue(), {"name": "a.png"}, "kim")[0] == 200
    photo = picture(send(public, "paint", b"", how, "kim"))
    assert np.abs(photo - at_sight).mean() < 3 < np.abs(photo - steady).mean()
    mixed = {"style": "udnie", "other": "edtaonisl", "painterly": True}
    assert send(public, "film", film.read_bytes(), {"name": "a.mp4"}, "kim")[0] == 200
    assert send(public, "paint", b"", mixed, "kim")[0] == 200


def test_an_animation_says_that_it_is_one(public):
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(data := BytesIO(), "GIF", save_all=True, append_images=frames[1:])
    assert json.loads(send(public, "photo", data.getvalue(), {"name": "a.gif"})[1])["moves"]
    assert not json.loads(send(public, "photo", png("red"), {"name": "a.png"})[1])["moves"]


def test_small_photos_in_my_styles(public):
    assert send(public, "photo", png("red", 40), {"name": "a.png"}, "lea")[0] == 200
    assert send(public, "example", None, {"style": "udnie"}, "lea")[0] == 200


def test_a_refined_painting_is_blended_and_keeps_colors(tmp_path):
    Image.new("RGB", (40, 32), "red").save(tmp_path / "refined.png")
    photo, paint = Image.new("RGB", (80, 64), "blue"), Refined(tmp_path / "refined.png", None)
    assert paint(photo, strength=0.5).getpixel((9, 9)) == (128, 0, 128)
    assert paint(photo, keep_colors=True).getpixel((9, 9))[2] > 120
    mask = Image.new("L", (80, 64))
    assert paint(photo, mask=mask).getpixel((9, 9)) == (0, 0, 255)
