"The styles that a page offers."

import shutil
import threading
from contextlib import suppress
from itertools import permutations
from types import SimpleNamespace

import pytest
from conftest import is_clean
from PIL import Image

from faststyle_fastai.all import ASSETS, FaststyleError, Stylizer, read_picture
from faststyle_fastai.web.jobs import TrainingJob
from faststyle_fastai.web.library import StyleLibrary
from faststyle_fastai.web.names import title
from faststyle_fastai.web.teaching import Watch
from faststyle_fastai.web.window import Window


def thumbnails(shelf, folder):
    "The thumbnails of styles, except those that a visitor has just removed."
    found = []
    for called in shelf.styles():
        with suppress(FileNotFoundError, FaststyleError):
            found.append(shelf.thumbnail(folder, called))
    return found


def test_the_shelf(tmp_path):
    shelf = StyleLibrary(tmp_path / "styles")
    assert list(shelf.styles())[0] == "starry_night" and len(thumbnails(shelf, tmp_path)) == 14
    called = shelf.add(ASSETS / "gallery-slim.safetensors")
    shutil.copy(ASSETS / "gallery-slim.safetensors", tmp_path / "model.safetensors")
    assert shelf.find(shelf.add(tmp_path / "model.safetensors"))[1] == "starry_night"
    assert called == "gallery-slim: starry_night" and called in shelf.styles()
    assert shelf.mixable(called, "gallery-slim: the_scream")
    titles = [title(called) for called in shelf.styles()]
    assert "The Scream · Munch" in titles and "The Scream · Munch (gallery-slim)" in titles
    assert shelf.find(called)[1] == "starry_night"
    with pytest.raises(FaststyleError, match="already"):
        shelf.add(ASSETS / "gallery-slim.safetensors")
    with pytest.raises(FaststyleError, match="no style"):
        shelf.add(ASSETS / "autoencoder.safetensors")
    for name in ("../../x", "/x", "..\\x", "x\0"):
        assert shelf.place(name) == tmp_path / "styles" / "x"
    long = "My very long summer painting of the old harbor"  # its 40th character is no letter
    assert shelf.place(long).name == "My_very_long_summer_painting_of_the_old"
    with pytest.raises(FaststyleError, match="needs a name"):
        shelf.place("../")


def test_the_page_mixes_what_the_server_does(tmp_path, painting):
    shelf = StyleLibrary(tmp_path / "styles")
    shelf.add(ASSETS / "gallery-slim.safetensors")
    shelf.add(painting)
    one, two = "udnie", "tahiti"
    names = one, two, f"gallery-slim: {one}", f"gallery-slim: {two}", "Waves"
    rows = [row for row in Window(shelf, tmp_path, {}).styles() if row["name"] in names]
    mixed = 0
    for a, b in permutations(rows, 2):
        known = a["known"] and b["known"] and (a["forgettable"] or b["forgettable"])
        page = a["file"] == b["file"] or known  # as in remote.js
        assert page == shelf.mixable(a["name"], b["name"])
        mixed += page
    assert len(rows) == 5 and mixed == 8


def test_paintings_are_on_the_shelf_too(tmp_path, painting):
    shelf = StyleLibrary(tmp_path / "styles")
    assert shelf.add(painting) == "Waves" == next(iter(shelf.styles()))
    assert shelf.painting("Waves").is_file() and not shelf.painting("great_wave")
    assert shelf.find("Waves")[0].styles == ["Waves"]
    assert shelf.add(painting) == "Waves"  # the same once more
    other = Image.new("RGB", (64, 64), "teal")
    other.save(tmp_path / painting.name)
    assert shelf.add(tmp_path / painting.name) == "Waves-2"
    other.save(tmp_path / "WAVES.png")  # one file with Waves.png on many disks
    assert shelf.add(tmp_path / "WAVES.png") == "WAVES-3"
    assert shelf.rename("WAVES-3", "Waves-3") == "Waves-3"
    shelf.remove("Waves-3")
    shelf.remove("Waves-2")
    other.save(tmp_path / "starry_night.png")
    assert shelf.add(tmp_path / "starry_night.png") == "My_Starry_Night"
    shelf.remove("My_Starry_Night")
    (shelf.folder / ".hidden.png").touch()
    (shelf.folder / "damaged.png").write_bytes(b"\x89PNG")
    with pytest.warns(UserWarning, match="Painting skipped: .*damaged.png"):
        assert len(thumbnails(shelf, tmp_path)) == 15
    for name in (".hidden.png", "damaged.png"):
        (shelf.folder / name).unlink()
    (tmp_path / "words.jpg").write_text("no painting")
    with pytest.raises(ValueError, match="words.jpg cannot be read"):
        shelf.add(tmp_path / "words.jpg")
    assert len(shelf.styles()) == 15 and is_clean(shelf.folder)


def test_a_painting_put_there_by_hand_keeps_its_name(tmp_path, painting):
    shelf = StyleLibrary(tmp_path)
    shutil.copy(painting, tmp_path / "the sea.jpg")
    assert shelf.place("the sea") == tmp_path / "the sea"  # trained, it is no other style
    assert shelf.rename("the sea", "my sea") == "my_sea"


def test_a_style_of_a_built_in_one_s_name_is_skipped(tmp_path, painting):
    shelf = StyleLibrary(tmp_path)
    shutil.copy(painting, tmp_path / "udnie.jpg")
    with pytest.warns(UserWarning, match="udnie is built in"):
        assert shelf.own() == {} and not shelf.painting("udnie")


def test_own_styles_have_names_and_pictures(tmp_path, painting):
    shelf = StyleLibrary(tmp_path / "styles")
    assert shelf.own() == {}
    shelf.add(painting)
    shelf.add(ASSETS / "gallery-slim.safetensors")
    (shelf.folder / "broken.safetensors").write_text("no network")
    (shelf.folder / "killed").mkdir()
    shutil.copy(painting, shelf.folder / "killed" / "killed.png")
    (shelf.folder / "not ours").mkdir()
    (shelf.folder / ".half-written.safetensors").touch()  # by a program that is writing it
    assert [*shelf.own()] == ["killed", "Waves", "broken", "gallery-slim"]
    with pytest.warns(UserWarning, match="Style skipped: .*broken.safetensors"):
        gray = shelf.thumbnail(tmp_path, "broken")
    assert read_picture(gray).getcolors() == [(64 * 64, (128, 128, 128))]
    for name in ("killed", "gallery-slim", "Waves"):
        assert len(read_picture(shelf.thumbnail(tmp_path, name)).getcolors(2**16)) > 3
    with pytest.raises(FaststyleError, match="There is no style ../x"):
        shelf.thumbnail(tmp_path, "../x")
    for name, words in (("Waves", "train it first"), ("killed", "interrupted: resume it")):
        with pytest.raises(FaststyleError, match=words):
            shelf.network(name)
    assert shelf.rename("killed", "a new name") == "a_new_name"
    assert (shelf.folder / "a_new_name" / "a_new_name.png").is_file()
    with pytest.raises(FaststyleError, match="Waves already exists"):
        shelf.rename("broken", "Waves")
    (shelf.folder / "Waves").mkdir()  # trained
    shutil.copy(ASSETS / "gallery-slim.safetensors", shelf.folder / "Waves" / "model.safetensors")
    assert shelf.rename("Waves", "sea") == "sea"
    assert sorted(path.name for path in shelf.folder.glob("sea*")) == ["sea", "sea.png"]
    assert shelf.rename("sea", "u\u0308ber") == "\u00fcber"  # as macOS spells it
    assert shelf.rename("\u00fcber", "con") == "con-"  # a device of Windows
    assert shelf.rename("con-", "sea") == shelf.rename("sea", "sea") == "sea"
    with pytest.raises(FaststyleError, match="There is no style"):
        shelf.remove("../outside")
    for name in ("a_new_name", "broken", "gallery-slim", "sea"):
        shelf.remove(name)
    left = sorted(path.name for path in shelf.folder.iterdir())
    assert left == [".half-written.safetensors", "not ours"]


def test_the_time_left_is_said_once_it_is_known():
    job = TrainingJob()
    job.began, job.done = job.began - 10, 0.001
    assert job.left is None
    job.done = 0.5
    assert job.left == pytest.approx(10, abs=0.5)
    job.began, job.at = job.began - 8, job.at - 8  # a slow step later, as little is done
    assert job.left == pytest.approx(10, abs=0.5)


def test_batches_that_a_resume_replays_are_no_steps():
    job = TrainingJob()
    watch = Watch(job)
    watch.learn = SimpleNamespace(training=True, yb=())  # without a loss, as these are canceled
    watch.after_batch()
    assert job.steps == 0


@pytest.mark.filterwarnings("ignore:Painting skipped")
def test_visitors_add_and_remove_while_others_look(tmp_path, painting):
    shelf, over = StyleLibrary(tmp_path / "styles"), threading.Event()
    files = [shutil.copy(painting, tmp_path / f"own{i}.png") for i in range(3)]

    def coming_and_going():
        while not over.is_set():
            for name in [shelf.add(file) for file in files]:
                shelf.remove(name)

    visitor = threading.Thread(target=coming_and_going, daemon=True)
    visitor.start()
    for _ in range(40):
        assert len(thumbnails(shelf, tmp_path)) >= 14 and len(shelf.own()) <= 3
        assert set(shelf.own()) <= {"Own0", "Own1", "Own2"}
    over.set()
    visitor.join()
    assert len(thumbnails(shelf, tmp_path)) == 14 and shelf.own() == {}


def test_a_style_file_and_its_painting_are_one(tmp_path, painting):
    shelf = StyleLibrary(tmp_path, "cpu")
    Stylizer("udnie", "cpu").save(tmp_path / "mine.safetensors")
    shutil.copy(painting, tmp_path / "mine.png")
    assert shelf.network("mine").suffix == ".safetensors"
    shelf.rename("mine", "yours")
    assert [*shelf.own()] == ["yours"] and shelf.painting_of("yours").is_file()
    shelf.remove("yours")
    assert shelf.own() == {} and not [*tmp_path.glob("*.*")]
