"Painting where memory is short, or an image has too many pixels for a GPU to count."

from pathlib import Path

import pytest
import torch
from PIL import Image

from faststyle_fastai.core.errors import out_of_memory
from faststyle_fastai.inference import layers, tiles
from faststyle_fastai.inference.stylizer import Stylizer


@pytest.fixture
def photo():
    return Image.effect_noise((300, 270), 90).convert("RGB")


def test_out_of_memory_is_smaller_tiles(photo, monkeypatch):
    paint, asked = Stylizer("slim:great_wave"), []
    tiled = layers.paint_tiles

    def too_large(*args, side=None, **kwargs):
        asked.append(side)
        if side != 256:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return tiled(*args, side=side, **kwargs)

    monkeypatch.setattr(layers, "paint_whole", too_large)
    monkeypatch.setattr(layers, "paint_tiles", too_large)
    with pytest.warns(UserWarning, match="painted in tiles of 256 px"):
        painted = paint(photo)
    assert asked == [None, 1024, 512, 256]
    assert painted.tobytes() == paint(photo, tile=256).tobytes()
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        paint(torch.rand(2, 3, 64, 64), tensor=True)  # has no tiles


def test_another_error_is_raised(photo, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(layers, "paint_whole", broken)
    with pytest.raises(RuntimeError, match="no kernel image"):
        Stylizer("slim:great_wave")(photo)


def test_when_even_small_tiles_do_not_fit(photo, monkeypatch):
    def too_large(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(layers, "paint_tiles", too_large)
    with pytest.raises(torch.OutOfMemoryError):
        Stylizer("slim:great_wave")(photo, tile=256)


@pytest.mark.parametrize(
    ("words", "is_memory"),
    [
        ("MPS backend out of memory (MPS allocated: 9 GB)", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)", True),
        ("CUDA error: no kernel image is available for execution on the device", False),
    ],
)
def test_words_for_out_of_memory(words, is_memory):
    assert out_of_memory(RuntimeError(words)) == is_memory


def test_a_gpu_with_room_cannot_count_all_pixels(monkeypatch):
    monkeypatch.setattr(tiles, "fits_in_memory", lambda *_: True)
    monkeypatch.setattr(tiles, "free_memory", lambda _: 140e9)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert tiles.tile_side((8000, 8000), cuda) is None  # 64 megapixels
    assert tiles.tile_side((8400, 8000), cuda) == 1024
    assert tiles.tile_side((8400, 8000), cpu) is None


def test_one_of_a_batch_fails_alone(faststyle, photos, monkeypatch):
    paint, calls = Stylizer.__call__, []

    def short(self, image, *args, **how):
        calls.append(image)
        if len(image) > 1 or len(calls) == 3:
            raise MemoryError("of no use")
        return paint(self, image, *args, **how)

    monkeypatch.setattr(Stylizer, "__call__", short)
    args = "--style", "great_wave", "-o", "out", "--batch-size", "2"
    said = faststyle("stylize", photos / "china" / "0.jpg", photos / "china" / "1.jpg", *args)
    assert said.returncode == 1 and "1 of 2 images failed" in said.stderr
    assert len(list(Path("out").iterdir())) == 1
