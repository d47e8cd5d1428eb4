"Bulk painting on a cluster of two nodes, one of which dies."

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import is_clean, names
from PIL import Image

from faststyle_fastai.all import (
    ASSETS,
    FaststyleError,
    Stylizer,
    paint_bulk,
    picture_files,
    read_picture,
)
from faststyle_fastai.bulk import cluster as bulk
from faststyle_fastai.bulk import stores
from faststyle_fastai.bulk.cluster import Worker, content_of
from faststyle_fastai.inference.links import style_link
from faststyle_fastai.inference.options import PaintOptions

cluster_utils = pytest.importorskip("ray.cluster_utils")
SLIM = "slim:great_wave"


@pytest.fixture(scope="module")
def cluster():
    "A head without CPUs, and a node with one."
    import ray

    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def pictures(photos, tmp_path_factory):
    "Images in folders, one transparent, one rotated and one damaged, and a text file."
    folder = tmp_path_factory.mktemp("many")
    for i, file in enumerate(3 * picture_files(photos)):
        (folder / f"{i % 3}").mkdir(exist_ok=True)
        shutil.copy(file, folder / f"{i % 3}" / f"{i}.jpg")
    Image.new("RGBA", (96, 72), (200, 30, 30, 90)).save(folder / "0" / "clear.png")
    exif = Image.Exif()
    exif[0x112] = 6
    Image.open(file).save(folder / "1" / "turned.jpg", exif=exif)
    (folder / "2" / "bad.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "read.me").write_text("no picture")
    return folder


@pytest.mark.slow
def test_a_node_dies_and_nothing_is_lost(cluster, pictures, tmp_path):
    dying, told = cluster.add_node(num_cpus=1), []

    def watch(done, failed, of):
        told.append((done, failed, of))
        if done >= of / 3 and dying in cluster.worker_nodes:
            cluster.remove_node(dying, allow_graceful=False)

    out = tmp_path / "out"
    how = {"address": cluster.address, "batch": 2, "watch": watch}
    failed = paint_bulk(pictures, out, SLIM, **how)
    assert dying not in cluster.worker_nodes
    assert [name for name, _ in failed] == ["2/bad.jpg"]
    assert told[-1] == (45, 1, 45) and [done for done, *_ in told] == sorted(d for d, *_ in told)
    assert names(out) == [name for name in names(pictures) if name != "2/bad.jpg"]
    assert is_clean(out)
    with open(out / "failures.csv") as report:
        (row,) = csv.DictReader(report)
    assert row["picture"] == "2/bad.jpg" and "not an image" in row["error"]
    paint = Stylizer(SLIM)
    for name in ("0/0.jpg", "0/clear.png", "1/turned.jpg"):
        one, many = paint(pictures / name), Image.open(out / name)
        assert many.size == one.size and many.mode == one.mode
        pairs = zip(many.resize((8, 8)).tobytes(), one.resize((8, 8)).tobytes())
        assert max(abs(a - b) for a, b in pairs) < 6  # except for JPEG


@pytest.mark.slow
def test_what_is_there_is_left_out(cluster, pictures, tmp_path):
    out, how = tmp_path / "out", {"address": cluster.address, "size": 16}
    address = f"local://{pictures}"  # a URL that fsspec supports and pyarrow does not
    paint_bulk(address, f"file://{out}", SLIM, **how)
    before = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    (out / "0" / "0.jpg").unlink()
    told = []
    paint_bulk(pictures, out, SLIM, **how, watch=lambda *at: told.append(at))
    after = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    assert told[-1] == (2, 1, 2)  # the damaged one is tried again
    assert {name for name in after if after[name] != before[name]} == {"0/0.jpg"}
    assert read_picture(out / "0" / "0.jpg").size == (96, 72)
    paint_bulk(pictures, out, SLIM, **how, force=True)
    assert all((out / name).stat().st_mtime_ns != after[name] for name in after)


@pytest.mark.slow
def test_the_command(cluster, pictures, tmp_path, faststyle):
    command = "bulk", pictures / "1", tmp_path / "out", "--style", SLIM
    done = faststyle(*command, "--address", cluster.address)
    assert done.returncode == 0 and done.stdout.split() == [str(tmp_path / "out")]
    assert f"{len(names(pictures / '1'))}/{len(names(pictures / '1'))}" in done.stderr
    done = faststyle("bulk", pictures, tmp_path / "two", "--style", SLIM, "--address", "here:1")
    assert done.returncode == 1 and done.stderr.startswith("error: No Ray cluster at here:1")


@pytest.mark.slow
def test_paintings_at_first_sight(cluster, pictures, tmp_path, painting):
    alone = np.asarray(Stylizer(painting)(pictures / "0" / "0.jpg"), int)
    for out, style in (tmp_path / "a", painting), (tmp_path / "b", f"sea={painting}"):
        assert not paint_bulk(pictures / "0", out, style, address=cluster.address)
        assert np.abs(np.asarray(read_picture(out / "0.jpg"), int) - alone).mean() < 3  # JPEG


@pytest.mark.slow
def test_a_run_folder_from_where_one_is(cluster, pictures, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(ASSETS / "gallery-slim.safetensors", run / "model.safetensors")
    shutil.copytree(pictures / "1", tmp_path / "some")
    assert paint_bulk("some", "here", run, size=16, address=cluster.address) == []
    assert names(tmp_path / "here") == names(tmp_path / "some")


def test_links_in_circles_and_names_that_are_not_utf8(cluster, pictures, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(pictures / "0" / "0.jpg", tmp_path / "in" / "a.jpg")
    try:
        shutil.copy(pictures / "0" / "0.jpg", os.fsencode(tmp_path / "in") + b"/\xe9.jpg")
    except OSError:
        pytest.skip("This file system takes no such names.")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    ((name, why),) = paint_bulk(tmp_path / "in", tmp_path / "out", SLIM, address=cluster.address)
    assert name == "?.jpg" and "not UTF-8" in why and names(tmp_path / "out") == ["a.jpg"]


def test_mounts_and_letters_that_lead_to_the_same_place(tmp_path, pictures, monkeypatch):
    shutil.copytree(pictures, tmp_path / "Photos")
    real = stores.local_id

    def by_any_letters(path, **how):  # as where `photos` is `Photos`
        return real(Path(str(path).replace("photos", "Photos")), **how)

    with monkeypatch.context() as patch:
        patch.setattr(stores, "local_id", by_any_letters)
        with pytest.raises(FaststyleError, match="is or contains"):
            paint_bulk(tmp_path / "Photos", tmp_path / "photos", SLIM, force=True)
    if (tmp_path / "photos").exists():
        pytest.skip("Here, photos is Photos.")
    shutil.copy(pictures / "0" / "0.jpg", tmp_path / "Photos" / "0" / "0.JPG")
    monkeypatch.setattr(stores.sys, "platform", "darwin")
    with pytest.raises(FaststyleError, match="would both become"):
        paint_bulk(tmp_path / "Photos", tmp_path / "out", SLIM)


def test_what_was_painted_before_is_no_photo(tmp_path, pictures):
    shutil.copytree(pictures, source := tmp_path / "in")
    shutil.copytree(pictures, tmp_path / "kept")
    before = stores.names_to_do(str(source), str(tmp_path / "kept"), True)
    (source / "best").symlink_to(tmp_path / "kept" / "0")
    with pytest.raises(FaststyleError, match="kept/0, which .*in links to"):
        stores.names_to_do(str(source), str(tmp_path / "kept"), True)
    (source / "best").unlink()
    (source / "out").symlink_to(tmp_path / "kept")
    for out in (tmp_path / "kept", source / "out"):
        assert stores.names_to_do(str(source), str(out), True) == before


def test_bad_calls(tmp_path, pictures):
    for out in (pictures, pictures.parent):
        with pytest.raises(FaststyleError, match="Choose another folder"):
            paint_bulk(pictures, out, SLIM)
    (tmp_path / "link").symlink_to(pictures)
    with pytest.raises(FaststyleError, match="Choose another folder"):
        paint_bulk(pictures, tmp_path / "link", SLIM, force=True)
    shutil.copytree(pictures, tmp_path / "in" / "all")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "all").symlink_to(tmp_path / "in" / "all")
    with pytest.raises(FaststyleError, match="links to images"):
        paint_bulk(tmp_path / "in", tmp_path / "linked", SLIM, force=True)
    (tmp_path / "picks").mkdir()
    for name in ("0/0.jpg", "0/1.jpg"):  # links to single images
        (tmp_path / "picks" / Path(name).name).symlink_to(pictures / name)
    (tmp_path / "album").mkdir()  # with a folder of another place
    (tmp_path / "album" / "0").symlink_to(pictures / "0")
    (tmp_path / "stored").mkdir()  # whose photos are links
    (tmp_path / "stored" / "a.jpg").symlink_to(pictures / "0" / "0.jpg")
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "0").symlink_to(tmp_path / "stored")
    (tmp_path / "around").mkdir()
    (tmp_path / "around" / "0").symlink_to(tmp_path / "stored")
    cases = ("picks", pictures / "0"), ("album", pictures), ("again", tmp_path / "around")
    for source, out in cases:
        with pytest.raises(FaststyleError, match="links to"):
            paint_bulk(tmp_path / source, out, SLIM, force=True)
    with pytest.raises(FileNotFoundError, match="No folder"):
        paint_bulk(tmp_path / "none", tmp_path / "out", SLIM)
    with pytest.raises(FaststyleError, match="nowhere://x"):
        paint_bulk("nowhere://x", tmp_path / "out", SLIM)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="No images in"):
        paint_bulk(tmp_path / "empty", tmp_path / "out", SLIM)
    shutil.copy(pictures / "0" / "0.jpg", tmp_path / "empty" / "a.jpg")
    with pytest.raises(ValueError, match="great_gatsby"):
        paint_bulk(tmp_path / "empty", tmp_path / "out", "slim:great_gatsby")


@pytest.mark.parametrize("style", ["udnie", "#s=link"])
def test_workers_paint_as_stylize_does(style, photo, tmp_path, monkeypatch):
    style = style_link(Stylizer("the_scream")) if style == "#s=link" else style
    (tmp_path / "in").mkdir()
    shutil.copy(photo, "in/a.jpg")
    shutil.copy(photo, "in/b.raf")  # only its ending would tell that it is RAW
    endings = []
    size = read_picture(photo).size
    monkeypatch.setattr(bulk, "image_size", lambda p: endings.append(p.suffix) or size)
    options = vars(PaintOptions(strokes=True))
    worker = Worker("in", "out", (*content_of(style), "float32"), options, "cpu")
    assert worker({"item": np.array(["a.jpg", "b.raf"])})["name"] == ["a.jpg", "b.raf"]
    assert endings == [".jpg", ".raf"]
    alone = Stylizer(style, "cpu", "float32")(photo, strokes=True)
    apart = np.asarray(read_picture("out/a.jpg"), int) - np.asarray(alone)
    assert np.abs(apart).mean() < 3  # JPEG
