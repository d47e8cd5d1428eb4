"""Our networks for people and faces beside the originals, which run in their own programs.

    pip install mediapipe==0.10.14 ai-edge-litert
    python -m benchmarks.models.people PHOTOS

Largest differences over the photos, each stretched to the square that a network sees: of the
likelihood of a person at a pixel, the score of a face, and the sides of boxes with a score above a
half, as shares of the square.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.report import report
from faststyle_fastai.all import picture_files, read_picture, to_tensor
from faststyle_fastai.models.people import people_net

GRIDS = (16, 2), (8, 6)  # of the original's boxes: places along a side, and boxes at each
HALF = 0.5  # least score of a box that is compared


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    files = picture_files(parser.parse_args().photos)
    person, face = original_person(), original_face()
    off: dict[str, list[float]] = {"person": [], "score of a face": [], "box of a face": []}
    for file in files:
        photo = read_picture(file)
        likely = ours("person", photo)[0, 0]
        off["person"].append(abs(likely - person(stretched(photo, "person"))).max())
        scores, boxes = (found[0] for found in ours("face", photo))
        true_scores, true_boxes = face(stretched(photo, "face"))
        off["score of a face"].append(abs(scores - true_scores).max())
        if (sure := true_scores > HALF).any():
            off["box of a face"].append(abs(boxes - true_boxes)[sure].max())
    rows = [{"of": name, "photos": len(x), "largest": f"{max(x):.1e}"} for name, x in off.items()]
    report("people_originals", rows)


def stretched(photo: Image.Image, name: str) -> Image.Image:
    return photo.resize((people_net(name).side,) * 2, Image.Resampling.BICUBIC)


@torch.inference_mode()
def ours(name, photo):
    found = people_net(name)(to_tensor(stretched(photo, name)))
    return found.numpy() if name == "person" else [x.numpy() for x in found]


def original_person():
    "A function from an image to the likelihood of a person, [256, 256]."
    from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

    net = SelfieSegmentation(model_selection=0)
    return lambda image: net.process(np.asarray(image)).segmentation_mask


def original_face():
    "A function from an image to scores, [896], and boxes, [896, 4]."
    import mediapipe
    from ai_edge_litert.interpreter import Interpreter

    folder = Path(mediapipe.__file__).parent / "modules" / "face_detection"
    net = Interpreter(str(folder / "face_detection_short_range.tflite"))
    net.allocate_tensors()
    boxes, scores = (slot["index"] for slot in net.get_output_details())

    def find(image):
        x = np.asarray(image, np.float32)[None] / 127.5 - 1
        net.set_tensor(net.get_input_details()[0]["index"], x)
        net.invoke()
        numbers = net.get_tensor(boxes)[0] / image.width
        center, half = places() + numbers[:, :2], numbers[:, 2:4] / 2
        found = np.concatenate([center - half, center + half], 1)
        return 1 / (1 + np.exp(-net.get_tensor(scores)[0, :, 0])), found

    return find


def places():
    "The centers that boxes are relative to, [896, 2]."
    found = []
    for n, each in GRIDS:
        row, column = np.indices((n, n)).reshape(2, -1)
        found.append((np.stack([column, row], 1) + 0.5).repeat(each, 0) / n)
    return np.concatenate(found)


if __name__ == "__main__":
    main()
