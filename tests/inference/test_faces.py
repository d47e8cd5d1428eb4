"Faces stay faces."

import time

import numpy as np
import pytest
import torch

from faststyle_fastai.all import PaintOptions, Stylizer, to_tensor
from faststyle_fastai.images.files import to_picture
from faststyle_fastai.images.sizes import resize_short
from faststyle_fastai.inference.faces import with_faces
from faststyle_fastai.inference.people import faces_of
from faststyle_fastai.video.temporal import SteadyPeople

FACE, ELSEWHERE = (102, 45, 130, 72), (0, 115, 256, 256)


def likeness(painted, photo, box):
    "Correlation of the luma of two images inside a box."
    pair = [np.asarray(x.convert("L").crop(box), float).ravel() for x in (painted, photo)]
    return np.corrcoef(pair)[0, 1]


@pytest.mark.parametrize("how", [{}, {"tile": 128, "exact": True}, {"size": 160}])
def test_features_of_a_face_are_kept(astronaut, how):
    paint = Stylizer("udnie", "cpu", "float32")
    natural, painted = (paint(astronaut, faces=faces, **how) for faces in ("natural", "painted"))
    assert likeness(natural, astronaut, FACE) > likeness(painted, astronaut, FACE) + 0.05
    assert np.array_equal(natural.crop(ELSEWHERE), painted.crop(ELSEWHERE))


def test_less_strength_and_masks_draw_less(astronaut):
    paint = Stylizer("gallery", "cpu", "float32")
    kept = paint(astronaut, "udnie", area="background")
    assert np.abs(np.asarray(kept.crop(FACE), int) - np.asarray(astronaut.crop(FACE))).max() <= 1
    photo = paint(astronaut, "udnie", strength=0)
    same = paint(astronaut, "udnie", strength=0, faces="painted")
    assert np.array_equal(photo, same)


def test_images_and_tensors_give_the_same(astronaut):
    faces, gray = faces_of(astronaut), torch.full((1, 3, 256, 256), 0.5)
    x = with_faces(gray.clone(), to_tensor(astronaut), faces, [1.0])
    image = with_faces(to_picture(gray), astronaut, faces, [1.0])
    assert (to_tensor(image) - x).abs().max() < 1.5 / 255
    assert x[..., 45:80, 100:132].std() > 0.03 and (x[..., 120:, :] == 0.5).all()
    half = with_faces(gray.clone(), to_tensor(astronaut), faces, [0.5])
    assert torch.allclose(2 * (half - 0.5), x - 0.5, atol=1e-5)


def test_large_faces_look_alike_and_take_no_longer(astronaut):
    faces = [[0.1, 0.1, 0.9, 0.9]]
    found = {}
    for side in (256, 2048):
        photo = to_tensor(astronaut.resize((side, side)))
        gray = torch.full_like(photo, 0.5)
        began = time.process_time()
        found[side] = with_faces(gray, photo, faces, [1.0])
        took = time.process_time() - began
    assert took < 6  # 0.8 s
    small = resize_short(found[2048], 256)
    assert (small - found[256]).abs().mean() < 0.01


def test_wrong_faces():
    with pytest.raises(
        ValueError, match="Unknown way to paint faces 'none'. Choose one of natural"
    ):
        PaintOptions(faces="none")


def test_faces_of_a_film_move_smoothly_and_fade(astronaut):
    people, x = SteadyPeople(), to_tensor(astronaut)
    people.next_frame(x)
    left, share = people.faces[0, 0].item(), people.shares.tolist()
    people.next_frame(x.roll(8, 3))
    assert left < people.faces[0, 0] < left + 8 / 256 and share == people.shares.tolist() == [1]
    hidden = x.roll(8, 3)
    hidden[..., 20:95, 85:150] = hidden[..., 20:95, 85:150].mean()
    people.next_frame(hidden)
    assert 0.7 < people.shares.item() < 0.9
    for _ in range(5):
        people.next_frame(hidden)
    assert not len(people.faces) and people.known
