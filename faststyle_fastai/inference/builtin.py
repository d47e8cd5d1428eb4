"The built-in styles, all in one network, and the lookup of a style by name."

import unicodedata
from difflib import get_close_matches
from pathlib import Path

from PIL import Image, ImageOps

from ..core.assets import ASSETS, MODEL, builtin_path
from ..core.errors import UsageError
from ..images.files import read_picture
from ..images.formats import PICTURES
from ..images.sheets import contact_sheet, labeled

__all__ = [
    "BUILTIN_STYLES", "film_style", "gallery_sheet", "plain_name", "style_thumbnail", "style_title",
]  # fmt: skip

BUILTIN_STYLES = {  # style -> its painting, in the order of the network's rows, the best first
    "starry_night": "Vincent van Gogh, The Starry Night, 1889",
    "edtaonisl": "Francis Picabia, Edtaonisl, 1913",
    "composition_vii": "Wassily Kandinsky, Composition VII, 1913",
    "mondrian": "Piet Mondrian, a cubist composition, c. 1913",
    "contrast_of_forms": "Fernand Léger, Contrast of Forms, 1913",
    "the_scream": "Edvard Munch, The Scream, 1893",
    "night_cafe": "Vincent van Gogh, The Night Café, 1888",
    "udnie": "Francis Picabia, Udnie, 1913",
    "tahiti": "Paul Gauguin, women of Tahiti, 1890s",
    "woman_with_hat": "Henri Matisse, Woman with a Hat, 1905",
    "wheat_field": "Vincent van Gogh, Wheat Field with Cypresses, 1889",
    "great_wave": "Katsushika Hokusai, The Great Wave off Kanagawa, c. 1831",
    "olive_trees": "Vincent van Gogh, Olive Trees, 1889",
    "wreck_minotaur": "J. M. W. Turner, The Shipwreck of the Minotaur, c. 1810",
}
# Networks of several built-in styles -> arch
NETWORKS = {"gallery": "full", "slim": "slim", "tiny": "tiny"}


def find_style(
    source: str
    | Path,  # name of a built-in style, gallery, slim, tiny, FILE, FILE:NAME or a run folder
) -> tuple[Path, str | None]:  # the file; the style in it, None if not given
    "Find the file and the style that a source refers to."
    if not isinstance(source, (str, Path)):
        raise UsageError(
            f"Invalid style={source!r:.80}. Use a name, a painting, a style's file or a Learner."
        )
    path, name = Path(source), plain_name(source)
    if path.suffix.lower() in PICTURES:
        raise ValueError(
            f"{path} is an image, not a trained style. Train it: faststyle train PHOTOS --style "
            f"{path} -o RUN."
        )
    if path.is_file() or (path / MODEL).is_file():  # a file name may contain a colon
        return path, None
    if name in NETWORKS:
        return builtin_path("gallery", NETWORKS[name]), None
    if name in BUILTIN_STYLES:
        return builtin_path("gallery", "full"), name
    file, colon, name = str(source).rpartition(":")
    if colon and len(file) > 1 and (file in NETWORKS or Path(file).exists()):
        return find_style(file)[0], name
    if path.is_dir():
        raise FileNotFoundError(
            f"{path} is a folder without {MODEL}, so it is not a run. If it holds paintings of one "
            f"style, give NAME={path}."
        )
    if path.suffix:
        raise FileNotFoundError(f"Style file not found: {path}.")
    nowhere = ", and no file or folder has that name"
    raise FileNotFoundError(unknown_style(source, BUILTIN_STYLES, "Built-in", nowhere))


def plain_name(name) -> str:
    "The name of a style as people write it, as it is in files: The Scream is the_scream."
    name = unicodedata.normalize("NFC", str(name))  # macOS has letters and accents apart
    return name.lower().replace(" ", "_").replace("-", "_")


def find_name(name, styles: list[str]):
    "The style that is meant by a name as people write it; the name if there is none."
    if name in styles:
        return name
    return {plain_name(style): style for style in styles}.get(plain_name(name), name)


def film_style(style: str) -> str:
    """The style as films are painted: a built-in one in the slim network.

    It holds still better than the full one, and is twice as fast.
    """
    ours = plain_name(style) in BUILTIN_STYLES and find_style(style)[1] == plain_name(style)
    return f"{builtin_path('gallery', 'slim')}:{plain_name(style)}" if ours else style


def unknown_style(name, styles, kind: str = "Available", also: str = "") -> str:
    "The message for a style that is not among `styles`."
    close = get_close_matches(str(name).lower(), styles, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"Unknown style '{name}'{also}.{hint} {kind} styles: {', '.join(styles)}."


def style_thumbnail(name: str) -> Path:
    "Path of a small image of the painting behind a built-in style; `ValueError` for another name."
    if name not in BUILTIN_STYLES:
        raise ValueError(unknown_style(name, BUILTIN_STYLES, "Built-in"))
    return ASSETS / "gallery" / f"{name}.jpg"


def style_title(name: str) -> str:
    "A style's title for people: The Great Wave off Kanagawa · Hokusai; its name if not built-in."
    if name not in BUILTIN_STYLES:
        return name
    artist, work, *_ = BUILTIN_STYLES[name].split(", ")
    words = artist.split()
    small = [i for i, word in enumerate(words) if word.islower()]  # van
    return f"{work[0].upper()}{work[1:]} · {' '.join(words[small[0] if small else -1 :])}"


def gallery_sheet(
    columns: int = 5,
    size: int = 240,  # px of a thumbnail's side
) -> Image.Image:
    "Thumbnails of all built-in styles with their names."
    works = {name: read_picture(style_thumbnail(name)) for name in BUILTIN_STYLES}
    cells = [labeled(ImageOps.fit(work, (size, size)), name) for name, work in works.items()]
    return contact_sheet([cells[i : i + columns] for i in range(0, len(cells), columns)])
