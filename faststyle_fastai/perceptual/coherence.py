"""Which place of a painting each place of a photo takes, so that strokes come whole.

The most similar place, each for itself, gives a mosaic, and flat skies the one flat corner of a
painting. So squares of places are matched first, by similarity less the popularity of what is
similar to many. Then each place keeps its square's choice, goes on from a neighbor's, or takes its
own nearest, whichever is most similar, with a bonus for what its neighbors agree on.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .neighbors import divided

__all__ = ["NOWHERE", "coherent"]

NOWHERE = -1  # in `styles`: no place of a painting
SQUARE = 4  # places on a side of a square
BONUS = 0.5  # of similarity, if all neighbors agree (as Ashikhmin 2001)
HOLD = 0.35  # likewise, of a film's strokes
POPULAR = 0.9  # weight of the popularity (as CSLS, Lample et al. 2018)
VARIETY = 0.03  # of similarity
ROUNDS = 10
CHUNK, SAMPLE = 4096, 256  # places compared at once, and those that measure popularity
PAIRS = 2**25  # compared at once, at most
AWAY = -9.0  # less than any similarity
STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]


def coherent(
    own: Tensor,  # [B, C, h, w], places of photos, of length 1
    other: Tensor,  # [B, C, H, W], places of paintings, likewise
    styles: Tensor | None = None,  # [H, W], the style of each place, or `NOWHERE`; None: one style
    shares: Sequence[float] = (1.0,),  # of the styles, of the photo
    held: Tensor | None = None,  # [B, h, w], what places took in a film's last frame, or `NOWHERE`
) -> Tensor:  # [B, h, w], indices into H x W
    "Match places in bounded memory. Several styles share the squares of a photo."
    (h, w), (H, W) = own.shape[2:], other.shape[2:]
    now, chosen = squares(own, other, styles, shares)
    own, other = own.flatten(2).mT, other.flatten(2)
    kinds = None if styles is None else styles.flatten()
    before = [] if held is None else [held.flatten(1)]
    for each in before:
        now = torch.where(each == NOWHERE, now, each)
        chosen = chosen if kinds is None else torch.where(each == NOWHERE, chosen, kinds[each])

    def similar(part, chosen):
        found = (part @ other).float()
        return found if kinds is None else found.masked_fill(kinds != chosen[..., None], AWAY)

    alone = unpopular(own, chosen, similar)[1]
    near, inside, order = around_each(h, w, now.device)
    down, across = torch.tensor(STEPS, device=now.device).T[..., None]
    for i in range(ROUNDS):
        y, x = split(now[:, near].transpose(0, 1), W)  # [8, B, N]
        y, x = y - down[:, None], x - across[:, None]
        led = inside[:, None] & (y >= 0) & (y < H) & (x >= 0) & (x < W)
        going = torch.where(led, y * W + x, -1)
        if kinds is not None:
            going = torch.where(kinds[going.clamp(0)] == chosen, going, -1)
        choices = torch.stack([now, alone, *before, *going])  # [k, B, N]
        agreed = (choices[:, None] == going).float().mean(1)  # the share of the neighbors
        score = alike(own, other, choices) + BONUS * agreed
        for each in before:
            score += HOLD * (choices == each)
        best = choices.gather(0, score.argmax(0, keepdim=True))[0]
        # Neighbors that change at once would change back and forth.
        # Three of five places, others in each round.
        now = torch.where((order + 3 * i) % 5 < 3, best, now)
    return now.view(-1, h, w)


def squares(own, other, styles, shares):
    "Whole squares of places, matched: [B, N], and the style of each place, [B, N]."
    (h, w), W, n = own.shape[2:], other.shape[3], SQUARE
    own = F.pad(own, (0, -w % n, 0, -h % n), mode="replicate")
    rows, across = own.shape[2] // n, own.shape[3] // n
    offsets = [(y, x) for y in range(n) for x in range(n)]
    parts = torch.cat([own[..., y::n, x::n] for y, x in offsets], 1).flatten(2).mT
    whole = torch.cat([around(other, *offset) for offset in offsets], 1).flatten(2)
    kinds = None
    if styles is not None:  # of a square; nowhere if it is not all in one style
        inside = torch.stack([around(styles, *offset) for offset in offsets]).flatten(1)
        kinds = torch.where((inside == inside[0]).all(0), inside[0].long(), NOWHERE)
    found = []
    for kind in range(len(shares)):
        away = None if kinds is None else kinds != kind

        def similar(part, i, away=away):
            alike = (part @ whole).float() / n**2 + various(i, whole.shape[2])
            return alike if away is None else alike.masked_fill(away, AWAY)

        found.append(unpopular(parts, torch.arange(parts.shape[1]).to(parts.device)[None], similar))
    chosen = torch.zeros_like(found[0][1])
    if len(shares) > 1:
        gains = torch.stack([gain for gain, _ in found])  # [styles, B, squares]
        chosen = torch.stack([divided(gains[:, b], shares) for b in range(len(own))])
    best = torch.stack([index for _, index in found]).gather(0, chosen[None])[0]
    best, chosen = (x.view(-1, rows, 1, across, 1) for x in (best, chosen))
    inside = torch.arange(n, device=own.device)
    row, column = split(best, W - n + 1)
    now = (row + inside.view(n, 1, 1)) * W + column + inside
    chosen = chosen.expand(now.shape)
    return [x.flatten(3).flatten(1, 2)[:, :h, :w].flatten(1) for x in (now, chosen)]


def around(x, down, across):
    "What is so far below and beside each square's first place."
    height, width = (n - SQUARE + 1 for n in x.shape[-2:])
    return x[..., down : down + height, across : across + width]


def various(i, m):
    "Small numbers that differ, so that a plain sky takes several squares: [1, n] -> [1, n, m]."
    j = torch.arange(m, device=i.device)
    return VARIETY * ((7919 * i[..., None] + 104729 * j) % 1009) / 1009


def unpopular(own, more, similar):
    """The most similar place for each of `own`, [B, N, C], less its popularity: values and indices.

    `more`, [B, N, …], belongs to `own` and is what `similar` also gets.
    """
    few = torch.arange(SAMPLE, device=own.device) * own.shape[1] // SAMPLE
    sample = similar(own[:, few], more[:, few])
    popular = sample.topk(SAMPLE // 16, 1).values.mean(1, keepdim=True)
    popular = POPULAR * popular.clamp(min=-1)
    found = []
    for part in chunks(own.shape[1], sample.shape[2]):
        alike = similar(own[:, part], more[:, part])
        found.append((alike - popular).max(2))
    return tuple(torch.cat(each, 1) for each in zip(*found))


def alike(own, other, choices):
    "The similarity of places and what they may take: [B, N, C], [B, C, M], [k, B, N] -> [k, B, N]."
    if torch.compiler.is_exporting():  # the product that `unpopular` has as well
        found = (own @ other).gather(2, choices.clamp(0).permute(1, 2, 0)).permute(2, 0, 1)
        return found.masked_fill(choices < 0, AWAY)
    found = []
    for part in chunks(own.shape[1]):
        some = choices[:, :, part]
        index = some.clamp(0).transpose(0, 1).flatten(1)  # [B, k * n]
        taken = other.gather(2, index[:, None].expand(-1, other.shape[1], -1))
        taken = taken.unflatten(2, (len(choices), -1))  # [B, C, k, n]
        each = own[:, part].mT[:, :, None]
        found.append((taken.float() * each).sum(1).transpose(0, 1))
    return torch.cat(found, 2).masked_fill(choices < 0, AWAY)


def split(i, width):
    "Indices as rows and columns. ONNX has no remainder by a size."
    rows = i // width
    return rows, i - rows * width


def chunks(n, others=1):
    "Parts of `n` places to compare with `others`. An exported program has no loops."
    if torch.compiler.is_exporting():
        return [slice(None)]
    size = max(1, min(CHUNK, PAIRS // others))
    return [slice(i, i + size) for i in range(0, n, size)]


def around_each(h, w, device):
    "Each place's neighbors and whether they are inside, [8, N], and numbers for turns, [N]."
    rows, columns = torch.arange(h, device=device)[:, None], torch.arange(w, device=device)
    near, inside = [], []
    for dy, dx in STEPS:
        y, x = rows + dy, columns + dx
        near.append((y.clamp(0, h - 1) * w + x.clamp(0, w - 1)).flatten())
        inside.append(((y >= 0) & (y < h) & (x >= 0) & (x < w)).flatten())
    return torch.stack(near), torch.stack(inside), (rows + 2 * columns).flatten()
