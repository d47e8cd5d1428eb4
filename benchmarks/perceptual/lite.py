"""How well `lite` replaces its teachers: how similarly they rank images, and the cost of a pass.

    python -m benchmarks.perceptual.lite --photos DIR --weights VGG19 --deep VGG19_16X

Each network ranks held-out photos by their distance from one of them, by its features (content) and
by their Gram matrices (style). The table shows Spearman's correlation of the two rankings, over all
pairs. Layers after relu3_4 are compared with those of the smaller VGG19. The cost is that of a
forward and backward pass to relu5_1, relative to VGG19's.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from scipy.stats import spearmanr

from benchmarks.report import arguments, held_out, random_vgg, report
from faststyle_fastai.all import gram_matrix, perceptual_backbone, read_tensor
from faststyle_fastai.images.sizes import resize_short

SIZE, ROUNDS, LAST = 256, 9, "relu5_1"
PRECISIONS = "float32", "bfloat16"
LAYERS = "relu1_1", "relu2_2", "relu3_1", "relu3_4", "relu4_1", "relu4_2", LAST


def main():
    parser = arguments(__doc__, "vgg19")
    parser.add_argument("--deep", required=True, help="Weights of vgg19_16x.")
    args = parser.parse_args()
    lite = perceptual_backbone("lite")
    vgg = perceptual_backbone("vgg19", args.weights)
    deep = perceptual_backbone("vgg19_16x", args.deep)
    photos = [read_tensor(photo) for photo in held_out({"seed": 0}, args.photos, args.count)]
    x = torch.cat([resize_short(photo, SIZE)[..., :SIZE, :SIZE] for photo in photos])
    rows = []
    for layer in LAYERS:
        teacher = vgg if layer in vgg.layers else deep
        orders = zip(*(distances(net, x, layer) for net in (lite, teacher)))
        content, style = (round(spearmanr(*pair).statistic, 3) for pair in orders)
        rows.append({"layer": layer, "content distances": content, "style distances": style})
    facts = {f"pass, of VGG19's, {name}": cost(name == "bfloat16") for name in PRECISIONS}
    report("lite", rows, photos=len(x), **facts)


@torch.no_grad()
def distances(net, x, layer):
    "Distances of all pairs of images by features and by Gram matrices, relative to the first."
    features = net(x, [layer])[layer].float()
    both = features.flatten(1), gram_matrix(features).flatten(1)
    return [(torch.cdist(m, m) / m.norm(dim=1)).flatten().numpy() for m in both]


def cost(bfloat16):
    "Median seconds of a pass of `lite`, relative to a VGG19 of random weights."
    with TemporaryDirectory() as folder:
        vgg19 = random_vgg("vgg19", Path(folder) / "random.safetensors")
        vgg19 = perceptual_backbone("vgg19", vgg19, layers=[LAST])
    nets, times = (vgg19, perceptual_backbone("lite")), ([], [])
    x = torch.rand(2, 3, SIZE, SIZE, requires_grad=True)
    for _ in range(ROUNDS):
        for net, seconds in zip(nets, times):
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, bfloat16):
                total = net(x, [LAST])[LAST].float().sum()
            total.backward()
            seconds.append(time.perf_counter() - start)
    whole, part = map(statistics.median, times)
    return round(part / whole, 3)


if __name__ == "__main__":
    main()
