"Only people, or all but them, are painted."

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops

from faststyle_fastai.all import PaintOptions, Stylizer, read_picture, to_tensor
from faststyle_fastai.images.masks import guided
from faststyle_fastai.inference import people
from faststyle_fastai.inference.people import find_faces, painted_area
from faststyle_fastai.video.temporal import SteadyPeople

IMAGES = Path(__file__).parents[2] / "nbs" / "images"
PERSON = PaintOptions(area="person")


@pytest.fixture(scope="module")
def nobody():
    return read_picture(IMAGES / "cat.jpg")


def share(mask, box):
    return np.asarray(mask.crop(box)).mean() / 255


def test_a_person_is_found_and_a_cat_is_not(astronaut, nobody):
    mask = painted_area(astronaut, PERSON)
    assert mask.size == astronaut.size
    assert share(mask, (95, 20, 130, 80)) > 0.95  # the face
    assert share(mask, (60, 150, 150, 200)) > 0.95  # the suit
    assert share(mask, (150, 0, 256, 90)) < 0.05  # the rocket
    with pytest.warns(UserWarning, match="No person is found in cat.jpg"):
        assert not painted_area(nobody, PERSON, name="cat.jpg").getbbox()


def test_background_is_the_rest_and_a_mask_limits_both(astronaut):
    person = painted_area(astronaut, PERSON)
    background = painted_area(astronaut, PaintOptions(area="background"))
    assert ImageChops.invert(person).tobytes() == background.tobytes()
    left = Image.new("L", astronaut.size)
    left.paste(255, (0, 0, 100, 256))
    both = painted_area(astronaut, PaintOptions(area="person", mask=left))
    assert share(both, (0, 0, 100, 256)) == share(person, (0, 0, 100, 256)) > 0.2
    assert not both.crop((100, 0, 256, 256)).getbbox()


def test_small_people_and_large_photos(astronaut):
    wide = Image.new("RGB", (1024, 300), (90, 120, 90))
    wide.paste(astronaut, (600, 44))
    mask = painted_area(wide, PERSON)
    assert share(mask, (695, 64, 730, 124)) > 0.9
    assert share(mask, (0, 0, 550, 300)) < 0.01
    large = painted_area(astronaut.resize((1500, 1500)), PERSON)
    small = painted_area(astronaut, PERSON).resize(large.size)
    assert np.abs(np.asarray(large, float) - np.asarray(small, float)).mean() < 8


def test_faces_are_shares_of_the_photo(astronaut, nobody):
    (left, top, right, bottom), *others = find_faces(to_tensor(astronaut)).tolist()
    assert not others
    assert 0.33 < left < 0.4 < 0.5 < right < 0.57 and 0.1 < top < 0.2 < 0.3 < bottom < 0.38
    assert not len(find_faces(to_tensor(nobody)))


def test_only_the_area_is_painted(astronaut):
    paint = Stylizer("tiny", "cpu", "float32")
    whole, other = (paint(astronaut, style) for style in ("the_scream", "great_wave"))
    mask = painted_area(astronaut, PERSON)
    only = paint(astronaut, "the_scream", area="person")
    assert (
        ImageChops.difference(only, Image.composite(whole, astronaut, mask)).getextrema()[0][1] <= 1
    )
    two = paint(astronaut, "the_scream", area="person", black="great_wave")
    assert ImageChops.difference(two, Image.composite(whole, other, mask)).getextrema()[0][1] <= 1
    tiled = paint(astronaut, "the_scream", area="person", black="great_wave", tile=128, exact=True)
    assert np.abs(np.asarray(two, float) - np.asarray(tiled, float)).mean() < 1


def test_wrong_areas():
    with pytest.raises(ValueError, match="Unknown area to paint 'face'. Choose one of all, person"):
        PaintOptions(area="face")


def test_each_image_of_a_batch_has_its_own_people_and_faces(astronaut):
    paint, x = Stylizer("tiny:udnie", "cpu", "float32"), to_tensor(astronaut)
    batch = torch.cat([x, x.flip(3)])
    for how in ({}, {"area": "person"}, {"area": "background", "black": "the_scream"}):
        both = paint(batch, tensor=True, **how)
        for one, alone in zip(both.split(1), batch.split(1)):
            assert (one - paint(alone, tensor=True, **how)).abs().max() < 0.01


def test_guided_edges_are_those_of_the_photo():
    photo = torch.zeros(1, 3, 32, 64)
    photo[..., 30:] = torch.tensor([0.8, 0.3, 0.1]).view(3, 1, 1)
    rough = torch.linspace(-1, 2, 64).clamp(0, 1).expand(1, 1, 32, 64)
    slope, offset = guided(rough, photo, 12, 1e-3)
    sharp = (slope * photo).sum(1) + offset
    assert (sharp[..., 29] < 0.35).all() and (sharp[..., 30] > 0.65).all()


def area_of(people, frame):
    people.next_frame(frame)
    return people.area(frame)


def test_people_of_a_film_are_steady(astronaut, nobody):
    people, x = SteadyPeople(), to_tensor(astronaut)
    torch.manual_seed(0)
    noisy = [(x + 0.03 * torch.randn_like(x)).clamp(0, 1) for _ in range(4)]
    areas = [area_of(people, frame) for frame in noisy]
    alone = [area_of(SteadyPeople(), frame) for frame in noisy]
    flicker, before = (float((a[-1] - a[-2]).abs().mean()) for a in (areas, alone))
    assert areas[0].shape == (1, 1, 256, 256) and areas[-1].mean() > 0.3
    assert flicker < before
    assert not area_of(people, to_tensor(nobody)).any()  # another scene


def test_faces_of_a_photo_are_sought_once(astronaut, monkeypatch):
    people.faces_seen.cache_clear()
    seen = []
    monkeypatch.setattr(people, "find_faces", lambda x: seen.append(x.shape) or find_faces(x))
    first, again = people.faces_of(astronaut), people.faces_of(to_tensor(astronaut))
    assert first == again and len(first) == 1 and len(seen) == 1
    assert not people.faces_of(Image.new("RGB", (64, 48))) and len(seen) == 2
