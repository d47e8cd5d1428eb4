"Where people and faces are in a photo."

import math
import warnings
from collections.abc import Sequence
from functools import lru_cache

import torch
from PIL import Image, ImageChops
from torch import Tensor
from torch.nn import functional as F

from ..images.files import image_size, read_upright, to_picture
from ..images.masks import fit_mask, guided, read_mask
from ..images.shapes import fitted
from ..images.sizes import resized, resized_tensor
from ..images.tensors import to_tensor
from ..models.people import people_net
from .finish import planes, resized_part
from .options import PaintOptions

__all__ = [
    "edges", "faces_of", "find_faces", "find_people", "likelihood", "overlap", "painted_area",
]  # fmt: skip

# Of each face: left, top, right and bottom, as shares of the photo.
Faces = Sequence[Sequence[float]]

SEEN = 640  # px of the longer side at which a photo is looked at
ZOOMS = 1, 2, 4  # of the square windows in which faces are sought
LARGER = 2  # times a photo is enlarged at most, to be seen in windows
STEP = 0.75  # from one window to the next, of its side
SURE = 0.7  # least score of a face
SAME = 0.3  # intersection over union from which two boxes are of one face
BESIDE, ABOVE, BELOW = 3.0, 1.0, 8.0  # room around a face for its body, of the face's size
NEAR = 0.5  # of both sides of a photo, from which a person fills it
REACH, NOISE = 1 / 80, 1e-3  # of the guided filter: of the longer side, and variance
CERTAIN = 0.1  # likelihoods this near to 0 or 1 become 0 or 1
ROWS = 256  # of a large photo, made at once


def painted_area(
    photo,  # an image, [1, 3 or 4, H, W] in [0, 1], or a file
    how: PaintOptions,
    faces: Faces | None = None,  # as from `faces_of`, if they are known
    name="the image",  # for the warning that nobody is found
) -> Image.Image | None:  # L, of the photo's size, white where it is painted; None: everywhere
    "What to paint of a photo: all inside the mask, or only the people or the background."
    if not isinstance(photo, (Image.Image, Tensor)):
        photo = read_upright(photo)
    mask = None if how.mask is None else fit_mask(read_mask(how.mask), image_size(photo))
    if how.area == "all":
        return mask
    faces = faces_of(photo) if faces is None else faces
    if not faces:
        warnings.warn(f"No person is found in {name}: no face can be seen.", stacklevel=2)
    area = person_mask(photo, faces)
    area = area if how.area == "person" else ImageChops.invert(area)
    return area if mask is None else ImageChops.multiply(area, mask)


def faces_of(
    photo: Image.Image | Tensor,  # RGB or RGBA, or [1, 3 or 4, H, W] in [0, 1]
) -> Faces:
    "The faces in a photo of any size. The latest photos are remembered, for their next styles."
    small = looked_at(photo).float()
    return faces_seen(small.numpy().tobytes(), small.shape).tolist()


@lru_cache(maxsize=4)
def faces_seen(data, shape):
    return find_faces(torch.frombuffer(bytearray(data), dtype=torch.float32).view(shape))


def looked_at(photo):
    "A photo at the size at which people are sought: [1, 3, h, w]."
    size = fitted(image_size(photo), SEEN)
    if isinstance(photo, Tensor):
        return resized(photo[:, :3], size[::-1]).clamp(0, 1).cpu()
    return resized_tensor(photo.convert("RGB"), size)


def person_mask(
    photo: Image.Image | Tensor,  # as of `faces_of`
    faces: Faces,
) -> Image.Image:  # L, of the photo's size, white where people are
    "The people in a photo, if there are faces."
    out = Image.new("L", image_size(photo))
    if not faces:
        return out
    small = looked_at(photo)
    sources = [planes(x) for x in edges(find_people(small, faces), small)]
    photo = to_picture(photo[:, :3]) if isinstance(photo, Tensor) else photo.convert("RGB")
    for top in range(0, photo.height, ROWS):
        box = 0, top, photo.width, min(top + ROWS, photo.height)
        slope, offset = (resized_part(source, box, photo.size) for source in sources)
        found = likelihood(slope, offset, to_tensor(photo.crop(box)))[0, 0]
        out.paste(Image.fromarray((255 * found).round().byte().numpy()), box[:2])
    return out


@torch.inference_mode()
def find_faces(
    photo: Tensor,  # [1, 3, H, W] in [0, 1]
    zooms: tuple[int, ...] = ZOOMS,  # more of them find smaller faces
) -> Tensor:  # [n, 4]: left, top, right and bottom as shares of the photo, the surest first
    "The faces in a photo, sought in overlapping windows."
    net, longest = people_net("face"), max(photo.shape[-2:])
    height, width = (n / longest for n in photo.shape[-2:])
    square = F.pad(photo, (0, longest - photo.shape[3], 0, longest - photo.shape[2]))
    windows, corners, scales = [], [], []
    for zoom in zooms:
        if zoom > 1 and zoom * net.side > LARGER * longest:
            break
        gaps = math.ceil((zoom - 1) / STEP)
        step = (zoom - 1) * net.side // gaps if gaps else net.side
        x = resized(square, (zoom * net.side,) * 2)
        starts = torch.arange(gaps + 1) * step / (zoom * net.side)
        rows, columns = starts[starts < height], starts[starts < width]
        parts = x.unfold(2, net.side, step).unfold(3, net.side, step)[0]
        windows.append(parts[:, : len(rows), : len(columns)].permute(1, 2, 0, 3, 4).flatten(0, 1))
        corners.append(torch.cartesian_prod(rows, columns).flip(1))
        scales.append(torch.full((len(windows[-1]), 1, 1), 1 / zoom))
    scores, boxes = net(torch.cat(windows))
    boxes = boxes * torch.cat(scales) + torch.cat(corners).repeat(1, 2)[:, None]
    boxes = (boxes / torch.tensor([width, height] * 2))[scores > SURE]
    best: list[int] = []  # of the boxes of one face
    same = overlap(boxes, boxes) > SAME
    for i in scores[scores > SURE].argsort(descending=True).tolist():
        if not same[i, best].any():
            best.append(i)
    return boxes[best].clamp(0, 1)


def overlap(
    a: Tensor,  # [n, 4]: left, top, right and bottom
    b: Tensor,  # [m, 4]
) -> Tensor:  # [n, m], from 0 to 1
    "The intersection of boxes over their union; torchvision's takes long to import."
    first, last = torch.maximum(a[:, None, :2], b[:, :2]), torch.minimum(a[:, None, 2:], b[:, 2:])
    both = (last - first).clamp(min=0).prod(2)
    areas = [(x[:, 2:] - x[:, :2]).prod(1) for x in (a, b)]
    return both / (areas[0][:, None] + areas[1] - both)


@torch.inference_mode()
def find_people(
    photo: Tensor,  # [1, 3, H, W] in [0, 1]
    faces: Faces = (),  # of people to look at more closely if they are small
) -> Tensor:  # [1, 1, H, W], how likely each pixel shows a person
    "The people in a photo."
    net, shape = people_net("person"), photo.shape[-2:]
    whole = 0, 0, shape[1], shape[0]
    places = sorted({whole, *(place_of(face, shape) for face in faces)})
    parts = [photo[..., top:bottom, left:right] for left, top, right, bottom in places]
    likely = net(torch.cat([resized(part, (net.side,) * 2) for part in parts]))
    found = torch.zeros_like(photo[:, :1])
    for x, part, (left, top, right, bottom) in zip(likely.split(1), parts, places):
        there = found[..., top:bottom, left:right]
        there.copy_(torch.maximum(there, resized(x, part.shape[-2:]).clamp(0, 1)))
    return found


def place_of(face, shape):
    "Where the body of a face is: left, top, right, bottom in px, or the whole photo if near."
    (left, top, right, bottom), (height, width) = face, shape
    wide, high = right - left, bottom - top
    box = left - BESIDE * wide, top - ABOVE * high, right + BESIDE * wide, bottom + BELOW * high
    left, top, right, bottom = (min(1, max(0, n)) for n in box)
    if min(right - left, bottom - top) > NEAR:
        return 0, 0, width, height
    return (
        int(left * width), int(top * height), math.ceil(right * width), math.ceil(bottom * height)
    )  # fmt: skip


def edges(
    found: Tensor,  # as from `find_people`
    photo: Tensor,  # [1, 3, H, W] in [0, 1]
) -> tuple[Tensor, Tensor]:  # slope [1, 3, H, W] and offset [1, 1, H, W]
    "How the likelihood of people follows the photo's colors, see `likelihood`."
    return guided(found, photo, max(1, round(REACH * max(photo.shape[-2:]))), NOISE)


def likelihood(
    slope: Tensor,  # as from `edges`, resized to the photo
    offset: Tensor,
    photo: Tensor,  # [1, 3, H, W] in [0, 1]
) -> Tensor:  # [1, 1, H, W], in [0, 1]
    "Where people are, with the edges of the photo (the guided filter, He et al. 2010)."
    found = (slope * photo).sum(1, keepdim=True) + offset
    return ((found - CERTAIN) / (1 - 2 * CERTAIN)).clamp(0, 1)
