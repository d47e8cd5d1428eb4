"Damaged files and nonsense on the command line; `benchmarks.cli.fuzz` tries thousands."

import random
import struct

import pytest
from PIL import Image

from benchmarks.cli.fuzz import calls, models, pictures
from faststyle_fastai.images.tensors import read_tensor


@pytest.mark.parametrize(("kind", "count"), [(pictures, 60), (models, 15), (calls, 30)])
def test_one_clear_line_and_nothing_half_done(kind, count):
    found = kind(count, random.Random(0))
    assert found.pop("tried") == count and found.pop("refused") > count / 4
    assert not any(found.values()), found


def test_a_tiff_whose_second_page_lies_beyond_its_end(tmp_path):
    file = tmp_path / "a.tif"
    Image.new("RGB", (8, 8)).save(file)
    data = bytearray(file.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * tags, 1 << 28)
    file.write_bytes(data)
    assert read_tensor(file).shape == (1, 3, 8, 8)  # the first one is whole
