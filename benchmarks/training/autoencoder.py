"""When more steps stop helping an autoencoder: trainings on more and more images.

    python -m benchmarks.training.autoencoder --photos DIR --backbone vgg19 \\
        --weights FILE -o RUNS [--images 2000 4000 8000] [--more 16000]

The trainings are those of `tools/make_autoencoder.py`, which made the built-in autoencoders. The
built-in one also continues on `--more` images. All are measured on the same held-out photos, which
none was trained on. RUNS keeps the networks. Existing ones are not trained again.
"""

from pathlib import Path

from benchmarks.report import arguments, held_out, report
from faststyle_fastai.all import Stylizer, evaluate_autoencoder, perceptual_backbone
from faststyle_fastai.core.assets import ASSETS
from faststyle_fastai.training.pretraining import pretrain


def main():
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[2000, 4000, 8000])
    parser.add_argument("--more", type=int, default=16000, help="More images for the built-in one.")
    parser.add_argument("-o", "--out", type=Path, required=True, help="Folder for the networks.")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    nets = {f"{n:,} pictures": trained(args, n) for n in args.images}
    nets["that ships: 16,000 pictures"] = ASSETS / "autoencoder.safetensors"
    nets[f"from there {args.more:,} more"] = trained(args, args.more, "autoencoder")
    nets["slim, that ships"] = ASSETS / "autoencoder-slim.safetensors"
    backbone = perceptual_backbone(args.backbone, args.weights)
    photos, rows = held_out({"seed": 0}, args.photos, args.count), []
    for name, net in nets.items():
        found, _ = evaluate_autoencoder(Stylizer(net).paint, photos, backbone)
        rows.append({"autoencoder": name, "PSNR, dB": round(found["psnr"], 1)})
        rows[-1] |= {layer: round(found[layer], 3) for layer in ("relu1_1", "relu2_2")}
    report("autoencoder", rows, yardstick=args.backbone, photos=len(photos))


def trained(args, images, start=None):
    file = args.out / f"{'more' if start else 'autoencoder'}-{images}.safetensors"
    if not file.exists():
        pretrain(args.photos, file, images=images, pretrained=start)
    return file


if __name__ == "__main__":
    main()
