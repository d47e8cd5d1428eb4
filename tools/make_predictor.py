"""Make assets/any_painting*.safetensors: networks that paint like any painting at first sight.

    python tools/make_predictor.py PHOTOS PAINTINGS GALLERY --run RUN --minutes M

PAINTINGS holds files named PAINTER_TITLE.jpg, also in folders. The painters of each folder are
drawn equally often, except those of `HELD_OUT`, which stay unseen. GALLERY holds the paintings of
the built-in styles at full size. The training starts from the built-in gallery and, for a smaller
`--arch`, from the full network's predictor; or from `--pretrained`. RUN is a run folder. Run the
command again to resume an interrupted training.
"""

import random
from collections import defaultdict, deque
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from fastai.callback.core import Callback
from fastai.torch_core import TensorImage, set_seed
from fasttransform import Transform
from PIL import Image
from small_weights import compact, write_asset
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from faststyle_fastai.core.assets import builtin_path
from faststyle_fastai.core.moments import mean_and_std
from faststyle_fastai.core.weights import unpacked
from faststyle_fastai.images.files import read_picture
from faststyle_fastai.images.tensors import to_tensor
from faststyle_fastai.inference.builtin import BUILTIN_STYLES
from faststyle_fastai.inference.first_sight import together
from faststyle_fastai.inference.refine import LOSS
from faststyle_fastai.models.normalization import is_affine
from faststyle_fastai.models.predictor import AnyStyleNet, load_any_style
from faststyle_fastai.models.stylefile import load_style, read_state
from faststyle_fastai.perceptual.backbones import perceptual_backbone
from faststyle_fastai.perceptual.losses import VggLoss
from faststyle_fastai.perceptual.terms import TERMS
from faststyle_fastai.training.callbacks import ProgressiveResize
from faststyle_fastai.training.checkpoint import Checkpoint
from faststyle_fastai.training.data import StyleDataLoaders
from faststyle_fastai.training.guards import StopOnNonFinite
from faststyle_fastai.training.learner import StyleCard, StyleLearner
from faststyle_fastai.training.network_terms import (
    DropletPenalty,
    FeaturePenalty,
    TemporalConsistency,
)
from faststyle_fastai.training.optimizers import OPTIMIZERS
from faststyle_fastai.training.precision import Precision
from faststyle_fastai.training.progress import History, LossParts, TimeLeft
from faststyle_fastai.training.recipes import recipe_plan

HELD_OUT = {
    "camille-pissarro", "ernst-ludwig-kirchner", "henri-edmond-cross", "henri-rousseau",
    "olga-rozanova", "paul-klee", "raoul-dufy", "utagawa-kuniyoshi",
}  # fmt: skip
SIDE = 256  # px of the square crops of paintings
BUILTIN = 0.15  # share of the draws that are built-in paintings
FRESH = 1  # paintings of a batch that are new crops; the others were drawn before
KEPT = 3000  # crops, the latest; their moments and targets take 1.8 GB
DEAD = 5.0  # weight of DeadPenalty
ALIVE = 3  # features at each place that should be on, as many as colors
TEMPORAL = 1.5  # weight of TemporalConsistency, as of `train --temporal-loss`
PALE = 0.25  # share of the draws that are pale prints and drawings
LIGHT, GRAY = 0.65, 0.2  # least mean lightness and largest mean saturation of a pale one
DARK = 0.25  # share of the photos with a dark, flat area
STYLE = 1.3  # the rest is as in refining; with less style, judges see a filter, not a painting
RECOLORED = 0.25  # share of the draws whose color channels change places


class DeadPenalty(FeaturePenalty):
    """Penalize places where the last features are all off.

    ReLU leaves nothing there but the bias of the last convolution, which all styles share: a flat
    patch of its color with hard edges. The loss cannot mend it, because no gradient passes. The
    penalty looks at the three largest features of each place, before ReLU.
    """

    norms, least = ("in5",), 0.5  # what each should be

    def penalty(self, norm, inputs, z):
        largest = z[:1].float().topk(min(ALIVE, z.shape[1]), dim=1).values
        return (self.least - largest).relu().square().mean()


class DrawPaintings(Callback):
    """Give each photo of a batch a crop of a random painting.

    Statistics and style targets of a painting take a third of a step, so most crops are used again.
    """

    order = ProgressiveResize.order + 1

    def __init__(self, painters: dict[tuple, list[Path]], builtin: list[Image.Image]):
        self.painters, self.builtin = painters, builtin
        self.pale = [file for files in painters.values() for file in files if is_pale(file)]
        self.random, self.seen = random.Random(0), deque(maxlen=KEPT)

    def before_validate(self):
        self.random.seed(1)  # the same paintings in each validation

    def before_train(self):
        self.random.seed(self.train_iter)

    def before_batch(self):
        if len(self.yb):
            n, loss = len(self.x), self.learn.loss_func
            fresh = FRESH if self.training and len(self.seen) >= n else n
            found = loss.look(torch.cat([self.draw() for _ in range(fresh)]))
            found += self.random.sample(self.seen, n - fresh)
            self.seen.extend(found[:fresh] if self.training else [])
            self.learn.xb = *self.xb, *loss.aim_at(found)

    def draw(self) -> Tensor:  # [1, 3, SIDE, SIDE]
        draw = self.random
        if draw.random() < PALE:
            painting = read_picture(draw.choice(self.pale))
        elif draw.random() < BUILTIN:
            painting = draw.choice(self.builtin)
        else:
            painting = read_picture(draw.choice(self.painters[draw.choice([*self.painters])]))
        whole = min(painting.size)
        # Never enlarged by much: the strokes would be blurred.
        side = draw.randint(min(SIDE, round(0.9 * whole)), min(2 * SIDE, whole))
        left, top = (draw.randint(0, room - side) for room in painting.size)
        box = left, top, left + side, top + side
        x = to_tensor(painting.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))
        if draw.random() < RECOLORED:
            x = x[:, draw.sample(range(3), 3)]
        return x.flip(-1) if draw.random() < 0.5 else x


def is_pale(file):
    "Whether a painting is a pale print or drawing: little color on light ground."
    x = to_tensor(Image.open(file).convert("RGB").resize((32, 32)))
    return bool(x.mean() > LIGHT and (x.amax(1) - x.amin(1)).mean() < GRAY)


class DarkAreas(Transform):
    """Darken and flatten an area of some photos.

    Such areas under a pale painting are rare and differ most from what the network expects.
    """

    split_idx, order = 0, 50  # after IntToFloatTensor

    def encodes(self, x: TensorImage):
        chosen = (torch.rand(len(x), 1, 1, 1, device=x.device) < DARK).float()
        soft = F.interpolate(
            torch.randn(len(x), 1, 4, 4, device=x.device), x.shape[-2:], mode="bicubic"
        )
        area = chosen * (8 * soft).sigmoid()
        flat = x.mean((2, 3), keepdim=True) * torch.rand_like(chosen) * 0.4
        contrast = torch.rand_like(chosen) * 0.3
        return torch.lerp(x, flat + contrast * (x - x.mean((2, 3), keepdim=True)), area).clamp(0, 1)


class AnyPaintingLoss(VggLoss):
    "`VggLoss` with other paintings in each batch."

    @torch.no_grad()
    def look(self, paintings: Tensor) -> list[tuple[list[Tensor], dict]]:
        "The moments of each painting, and its style targets."
        style, paintings = self.terms["style"], paintings.to(self.backbone.mean.device)
        with torch.autocast(paintings.device.type, enabled=False):
            moments = style.of_painting(self.backbone(paintings, self.style_layers))
        targets = style.targets(moments)
        return [
            (
                [m[i : i + 1].clone() for m in moments.values()],
                {k: [part[i : i + 1].clone() for part in parts] for k, parts in targets.items()},
            )
            for i in range(len(paintings))
        ]

    def aim_at(self, paintings: list[tuple[list[Tensor], dict]]) -> list[Tensor]:
        "Set the paintings of the next batch, as `look` returns them; return their moments."
        moments, targets = zip(*paintings)
        self.target = {
            k: [torch.cat(parts) for parts in zip(*(target[k] for target in targets))]
            for k in self.style_layers
        }
        return together(moments)

    def comparison(self, pred, photo, rows):
        return super().comparison(pred, photo, torch.arange(len(pred)))

    def _style_targets(self, photo_size, scale):
        return self.target


def main(
    photos: Path,
    paintings: Path,
    gallery: Path,
    run: Annotated[Path, typer.Option()],
    minutes: float = 180,
    pretrained: Annotated[Path | None, typer.Option(help="An earlier result.")] = None,
    arch: str = "full",  # or slim
    bs: int = 4,
    small_until: float = 0.6,  # share of the time at 128 px
    lr: float = 8e-4,  # at 2e-3, with a painting for each photo, the loss rises
    seed: int = 0,
):
    "Train the network for any painting on `photos`. Write it as float16."
    set_seed(seed)
    plan = recipe_plan(
        "fast", "style", bs=bs, small_until=small_until, loss=LOSS, style_weight=STYLE
    )
    dls = StyleDataLoaders.from_folder(
        photos, plan.size, plan.bs, plan.images, seed=seed, batch_tfms=DarkAreas()
    )
    painters = defaultdict(list)
    for file in sorted(paintings.rglob("*_*.jpg")):
        if (painter := file.name.split("_")[0]) not in HELD_OUT:
            painters[file.parent, painter].append(file)
    builtin = [read_picture(next(gallery.glob(f"{name}.*"))) for name in BUILTIN_STYLES]
    draws = DrawPaintings(painters, builtin)
    backbone = perceptual_backbone(plan.backbone, layers=[*plan.content_layers, *plan.style_layers])
    terms = {name: plan.loss[name] for name in TERMS if name in plan.loss}
    loss = AnyPaintingLoss(backbone, draws.draw(), loss=terms).to(dls.device)
    net = first_network(loss, draws, arch, pretrained)
    info = {"arch": arch, "styles": [], "size": plan.size, "recipe": "fast", "base": ""}
    cbs = [
        StyleCard(info, plan), LossParts(), Precision(), StopOnNonFinite(), draws,
        DropletPenalty(plan.droplets), DeadPenalty(DEAD),
        TemporalConsistency(TEMPORAL),
        ProgressiveResize(plan.small, plan.small_until),
        Checkpoint(run / "checkpoints", resume=run.exists()), History(run / "history.csv"),
        TimeLeft(),
    ]  # fmt: skip
    opt = partial(OPTIMIZERS[plan.opt], eps=plan.eps)
    learn = StyleLearner(dls, net, loss, opt_func=opt, cbs=cbs)
    with learn.no_bar(), learn.no_logging():
        learn.fit_recipe(lr=lr, minutes=minutes)
    state = {k: v.cpu() for k, v in net.state_dict().items()}
    write_asset(compact(state), info, "any_painting", arch)


class Trained(AnyStyleNet):
    "The network as it begins, and as it is trained: with a painting for each photo."

    def __init__(self, channels, arch):
        super().__init__(channels, arch)
        for mixture in self.mixtures:
            nn.init.orthogonal_(mixture.weight)
        for values in self.predictor[-1].parameters():
            nn.init.zeros_(values)

    def forward(self, x, *moments):
        which = torch.arange(len(x), device=x.device)
        return functional_call(self.net, self.styles(moments), (x, which))


def first_network(loss, draws, arch, pretrained):
    "An earlier network, or the gallery with the mean of its styles and a first predictor."
    seen = together([loss.look(draws.draw())[0][0] for _ in range(500)])
    net = Trained([m.shape[-1] - 1 for m in seen], arch)
    if pretrained:
        net.load_state_dict(unpacked(read_state(pretrained)[0]))
        return net
    start = load_style(builtin_path("gallery", arch))[0].state_dict()
    start = {k: v.mean(0, keepdim=True) if is_affine(k) else v for k, v in start.items()}
    net.net.load_state_dict(start)
    if arch != "full":
        adopt(net, load_any_style())
        return net
    simple = torch.cat([part for m in seen for part in mean_and_std(m)], 1).sqrt()
    net.mean, net.std = simple.mean(0), simple.std(0) + 1e-2
    return net


@torch.no_grad()
def adopt(net, larger):
    "Start with as many hidden channels of a larger network's predictor as there are."
    for name, own in [*net.named_parameters(), *net.named_buffers()]:
        if not name.startswith(("net.", "predictor.4.")):
            own.copy_(larger.state_dict()[name][tuple(map(slice, own.shape))])


if __name__ == "__main__":
    typer.run(main)
