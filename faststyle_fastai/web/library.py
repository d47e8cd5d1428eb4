"The styles that a page offers: the built-in ones, and the styles and paintings in a folder."

import os
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from hashlib import sha1
from pathlib import Path

from PIL import Image
from PIL.ImageOps import fit

from ..core.assets import MODEL, builtin_path, sample_photos
from ..core.atomic import atomic_write, replace
from ..core.errors import FaststyleError
from ..images.files import read_picture
from ..images.formats import is_painting, is_picture
from ..images.saving import save_picture
from ..inference.builtin import BUILTIN_STYLES
from ..inference.stylizer import Stylizer
from ..models.stylefile import load_style
from .entries import file_of, is_hidden, is_readable, is_training, names_in, painting_at, written
from .names import MANY, builtin_names, named_after, numbered, own_name, plain_name, spoken

__all__ = ["StyleLibrary"]

SMALLEST = 64  # px of a painting's short side
TAKEN = "A style {} already exists: choose another name."
FULL = f"There are already {MANY - 1} styles named {{}}. Rename this one."
MOST_STYLES, MOST_LETTERS = 100, 100  # of a file that is added, and of their names


class StyleLibrary:
    """Names, networks and thumbnails of styles; those in `folder` come first.

    Who asks for many gives what `styles()` told, so that the folder is read once.
    """

    def __init__(self, folder: str | Path, device=None, precision="auto"):
        self.folder = Path(folder)
        self.making = threading.Lock()  # of thumbnails: browsers ask for all of them at once
        self.changing = threading.RLock()  # of names: two visitors may add one at a time
        self.painter = lru_cache(4)(lambda file, _: Stylizer(file, device, precision, False))
        self.both = lru_cache(2)(
            lambda names, files, _: Stylizer(dict(zip(names, files)), device, precision)
        )

    def styles(self) -> dict[str, tuple[Path, str]]:
        "The displayed name of each style -> its file, and its name in the file."
        found = {}
        files = [*self.folder.glob(f"*/{MODEL}"), *self.folder.glob("[!.]*.safetensors")]
        for file in sorted(files, key=written, reverse=True):
            called = file.stem if file.parent == self.folder else file.parent.name
            names = [] if is_hidden(called) else names_in(file, written(file))
            for name in names:
                found[called if len(names) == 1 else f"{called}: {name}"] = file, name
        for file in sorted(self.folder.glob("*.*")):
            offered = is_picture(Path(file.name)) and not is_hidden(file.stem)
            if offered and is_readable(file, written(file)):
                found.setdefault(file.stem, (file, file.stem))  # unless it is trained
        return found | {name: (builtin_path("gallery", "full"), name) for name in BUILTIN_STYLES}

    def _thumbnail(self, file, name):
        "The painting of a style; without one, a photo in that style."
        with suppress(ValueError, OSError):  # it is too large for this page, or damaged
            if painting := painting_at(file, name):
                picture = read_picture(painting, shortest=240)
                picture.thumbnail((240, 240))
                return picture
        if name is None or is_painting(file):  # interrupted, or damaged
            return Image.new("RGB", (64, 64), "gray")
        photo = fit(read_picture(sample_photos()[0] / "china.jpg"), (192, 192))
        return self.painter(file, written(file))(photo, name)

    def find(self, called: str) -> tuple[Stylizer, str]:
        "The network of a style, and the style's name in it."
        styles = self.styles()
        if not isinstance(called, str) or called not in styles:  # a program may send anything
            raise FaststyleError(f"Unknown style '{called}': choose one from the list.")
        file, name = styles[called]
        return self.painter(file, written(file)), name

    def find_for_film(self, called: str) -> tuple[Stylizer, str]:
        "As `find`; built-in styles in the network that is fast and holds still."
        if called not in BUILTIN_STYLES:
            return self.find(called)
        file = builtin_path("gallery", "slim")
        return self.painter(file, written(file)), called

    def mixable(self, one: str, other: str) -> bool:
        """Whether two styles can be mixed: those of one file can.

        A style that is read from its painting mixes with all whose paintings are known.
        """
        styles = self.styles()
        if one == other or not {one, other} <= styles.keys():
            return False
        files = {styles[name][0] for name in (one, other)}
        known = all(painting_at(*styles[name]) for name in (one, other))
        return len(files) == 1 or (known and any(map(is_painting, files)))

    def find_both(self, called: str, other: str, find: Callable) -> tuple[Stylizer, list[str]]:
        "A network of two `mixable` styles, each as `find` does, and their names in it."
        (paint, name), (another, its_name) = find(called), find(other)
        if paint is another:
            return paint, [name, its_name]
        names = called, other
        files = tuple(file for one in names if (file := self.painting_of(one)))
        return self.both(names, files, tuple(map(written, files))), [*names]

    def own(self) -> dict[str, Path]:
        "The name of each trained or added style -> its folder or file; trainings come first."
        folders = [path for path in self.folder.glob("*") if is_training(path)]
        files = [path for path in self.folder.glob("[!.]*.*") if path.is_file()]
        files = [p for p in files if p.suffix == ".safetensors" or is_picture(Path(p.name))]
        found: dict[str, Path] = {}
        files.sort(key=lambda path: (path.stem, path.suffix != ".safetensors"))
        for path in [*sorted(folders), *files]:  # a painting belongs to the style of its name
            name = path.name if path in folders else path.stem
            if not is_hidden(name):
                found.setdefault(name, path)
        return found

    def thumbnail(self, folder: Path, called: str, styles: dict | None = None) -> Path:
        """The thumbnail of a style, or of one of `own`.

        It is written to `folder` once: another visitor's browser may be reading it.
        """
        file, name = self._known(called, styles)
        if file is None:
            raise FaststyleError(f"There is no style {called}.")
        key = sha1(os.fsencode(f"{called} {file} {written(file)}")).hexdigest()
        with self.making:
            if not (kept := folder / f"{key}.png").exists():
                save_picture(self._thumbnail(file, name), kept)
        return kept

    def _known(self, called, styles):
        "The file of a style or of one of `own`, and the name in it, each None if there is none."
        file, name = (styles or self.styles()).get(called, (None, None))
        if file is None and (path := self.own().get(called)):
            file = file_of(path)
            trained = file.exists() and not is_painting(file)
            name = next(iter(names_in(file, written(file))), None) if trained else None
        return file, name

    def rename(self, name: str, new: str) -> str:
        "Give one of `own` another name; return it without unsuitable characters."
        paths, place = self._all(name), self._new(new, name)
        for old in paths:
            replace(old, place if old.is_dir() else place.with_name(place.name + old.suffix))
        if (painting := place / f"{name}.png").exists():
            replace(painting, place / f"{place.name}.png")
        return place.name

    def remove(self, name: str):
        "Delete one of `own`."
        for path in self._all(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def network(self, name: str) -> Path:
        "The style file of one of `own`; `FaststyleError` for a painting."
        file = file_of(self.path(name))
        if is_painting(file):
            raise FaststyleError(f"{name} is a painting without a network: train it first.")
        if not file.exists():
            raise FaststyleError(f"The training of {name} was interrupted: resume it first.")
        return file

    def _all(self, name):
        "The folder or file of one of `own`, and the painting that it was trained on."
        if name not in (own := self.own()):
            raise FaststyleError(
                f"There is no style {name} any more." if name else "Choose a style of yours."
            )
        files = [file for file in self.folder.glob("*.*") if file.stem == name]
        return [own[name], *(file for file in files if is_painting(file) and file != own[name])]

    def painting(self, called: str, styles: dict | None = None) -> Path | None:
        "The painting of a style that is painted at sight; None if it is trained."
        file = (styles or self.styles()).get(called, [None])[0]
        return file if is_painting(file) else None

    def painting_of(self, called: str, styles: dict | None = None) -> Path | None:
        "The painting of a style, if it is known."
        file, name = self._known(called, styles)
        return file and painting_at(file, name)

    def path(self, name: str) -> Path:
        "The folder or file of one of `own`."
        return self._all(name)[0]

    def place(self, name: str, own: Iterable[Path] = ()) -> Path:
        """The folder for a style to train; a painting, and `own` files, may have the same name.

        A painting keeps its name, whatever is in it, or the style would be another one.
        """
        if not (name := name if self.painting(name) else plain_name(name)):
            raise FaststyleError("The style needs a name.")
        place = self.folder / name
        there = [path for path in (place, place.with_name(f"{name}.safetensors")) if path.exists()]
        trained = any(not any(path.samefile(each) for each in own) for path in there)
        if trained or spoken(name).casefold() in builtin_names():
            raise FaststyleError(TAKEN.format(spoken(name)))
        return place

    def _new(self, name, own=None):
        "`place` for a name that no style or painting has, but for one's `own`, in any letters."
        place = self.place(name, self._all(own) if own else ())
        if place.name.casefold() in {each.casefold() for each in self.styles() if each != own}:
            raise FaststyleError(TAKEN.format(spoken(place.name)))
        return place

    def add(self, file: str | Path) -> str:
        "Copy a style file or a painting to the library; return the name of its first style."
        file = Path(file)
        if is_painting(file):
            painting = read_picture(file)
            with self.changing:
                return self._add_painting(painting, named_after(file))
        _, info, _ = load_style(file)
        if not info["styles"]:
            raise FaststyleError(
                f"{file.name} is an autoencoder and has no style: choose another file."
            )
        if len(info["styles"]) > MOST_STYLES or max(map(len, info["styles"])) > MOST_LETTERS:
            raise FaststyleError(
                f"{file.name} has more than {MOST_STYLES} styles, or a name of more than "
                f"{MOST_LETTERS} letters."
            )
        with self.changing:
            place = self._new(file.stem)
            with atomic_write(place.with_name(f"{place.name}.safetensors")) as temporary:
                temporary.write_bytes(file.read_bytes())
        several = len(info["styles"]) > 1
        return f"{place.name}: {info['styles'][0]}" if several else place.name

    def known(self, file: Path) -> str | None:
        "The name, perhaps with a number, under which the same style file is on the shelf."
        data = file.read_bytes()
        for name in numbered(file.stem):
            there = self.folder / f"{name}.safetensors"
            if there.is_file() and there.read_bytes() == data:
                return name
        return None

    def free(self, name: str) -> str:
        "The name, with a number if it is taken."
        for called in numbered(name):
            with suppress(FaststyleError):  # taken
                return self._new(called).name
        raise FaststyleError(FULL.format(name))

    def _add_painting(self, painting, name):
        "A style for a painting; if it is on the shelf under this name, that style."
        if min(painting.size) < SMALLEST:
            raise FaststyleError(
                f"It has {painting.width} x {painting.height} px, too few for strokes. Use a "
                f"painting of 400 px or more."
            )
        for called in numbered(own_name(name)):
            known = self.painting_of(called)
            there = known and read_picture(known)
            if there and (there.size, there.tobytes()) == (painting.size, painting.tobytes()):
                return called
            with suppress(FaststyleError):  # taken
                place = self._new(called)
                return save_picture(painting, place.with_name(f"{place.name}.png")).stem
        raise FaststyleError(FULL.format(name))
