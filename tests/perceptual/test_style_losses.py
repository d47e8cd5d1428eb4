import pytest
import torch
from conftest import noise

from faststyle_fastai.all import gram_matrix
from faststyle_fastai.core.moments import moments
from faststyle_fastai.perceptual.style_losses import STYLE_LOSSES


def w2_by_roots(mean, cov, other_mean, other_cov):
    "The textbook formula in float64, with matrix roots by eigendecomposition."

    def root(m):
        values, vectors = torch.linalg.eigh(m)
        return vectors * values.clamp(min=0).sqrt() @ vectors.T

    shared = root(root(other_cov) @ cov @ root(other_cov)).trace()
    spread = cov.trace() + other_cov.trace() - 2 * shared
    return (mean - other_mean).square().mean() + spread / len(mean)


def gaussian(features):
    x = features.flatten(2)[0].double()
    mean, second = x.mean(1), x @ x.T / x.shape[1]
    return mean, second - mean[:, None] * mean + 1e-4 * torch.eye(len(mean))


@pytest.mark.parametrize("places", [40, 6])  # 6 positions: covariances of 12 channels are singular
def test_w2_is_the_textbook_s(places):
    features, painting = noise(1, 12, 1, places).requires_grad_(), noise(1, 12, 1, 90).square()
    w2 = STYLE_LOSSES["w2"]
    (found,) = w2.distances([moments(features)], [w2.target(moments(painting))])
    want = w2_by_roots(*gaussian(features), *gaussian(painting))
    assert found.item() == pytest.approx(want.item(), rel=1e-5)

    (grad,) = torch.autograd.grad(found.sum(), features)
    step = 1e-5 * noise(*features.shape).double().flip(3)
    ends = [features.detach().double() + sign * step for sign in (1, -1)]
    rise = [w2_by_roots(*gaussian(x), *gaussian(painting)).item() for x in ends]
    assert (grad * step).sum().item() * 2 == pytest.approx(rise[0] - rise[1], rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1e-3, 1, 1e4])
def test_w2_bears_singular_covariances(size, dtype):
    flat, few, copied = (
        torch.ones(1, 108, 4, 5),
        noise(1, 108, 1, 2),
        noise(1, 1, 6, 6).expand(1, 108, 6, 6),
    )
    w2 = STYLE_LOSSES["w2"]
    for painting in (flat, few, copied):
        there = w2.target(w2.statistics((size * painting).to(dtype)))
        for photo in (flat, few, copied):
            x = (size * photo).to(dtype).clone().requires_grad_()
            found = w2.distances([w2.statistics(x)], [there])[0].sum()
            found.backward()
            assert found.isfinite() and found > -1e-5 * size**2 and x.grad.isfinite().all()


def far(name, x, painting):
    loss = STYLE_LOSSES[name]
    return loss.distances([loss.statistics(x)], [loss.target(loss.statistics(painting))])[0]


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_a_style_is_at_no_distance_from_itself(name):
    x, other = noise(2, 8, 5, 6), noise(1, 8, 6, 5).square()
    assert far(name, x[:1], x[:1]).abs().max() < 1e-6
    assert (far(name, x, other.expand(2, -1, -1, -1)) > 1e-4).all()


def test_moments_hold_gram_matrices_and_means():
    x = noise(2, 4, 3, 5)
    found = moments(x)
    assert found[:, :-1, :-1].allclose(gram_matrix(x) * 4, rtol=1e-5)
    assert found[:, :-1, -1].allclose(x.mean((2, 3))) and found[:, -1, -1].allclose(torch.ones(2))


def test_where_leaves_the_rest_out():
    x, where = noise(1, 4, 2, 6), torch.zeros(1, 1, 2, 6)
    where[..., :3] = 1
    assert moments(x, where).allclose(moments(x[..., :3]), rtol=1e-4)


def test_undivided_gram_matrices_as_published():
    x, painting = noise(1, 4, 3, 5), noise(1, 4, 6, 7)
    f, s = x.flatten(2)[0], painting.flatten(2)[0]
    want = (f @ f.T - s @ s.T).square().mean() / painting.numel()
    assert far("gram_sum", x, painting).item() == pytest.approx(want.item(), 1e-4)
