"The styles that ship, in one network: whose paintings they are, and how a style is named."

from pathlib import Path

from fastcore.basics import chunked
from PIL import Image, ImageDraw, ImageFont, ImageOps

from .backbones import ASSETS
from .images import read_picture
from .sheets import contact_sheet
from .stylefile import MODEL, shipped_path

__all__ = ["GALLERY", "gallery_sheet", "style_thumbnail"]

GALLERY = {  # style -> whose; in the order of the network's rows
    "great_wave": "Katsushika Hokusai, The Great Wave off Kanagawa, c. 1831",
    "wreck_minotaur": "J. M. W. Turner, The Shipwreck of the Minotaur, c. 1810",
    "night_cafe": "Vincent van Gogh, The Night Café, 1888",
    "starry_night": "Vincent van Gogh, The Starry Night, 1889",
    "wheat_field": "Vincent van Gogh, Wheat Field with Cypresses, 1889",
    "olive_trees": "Vincent van Gogh, Olive Trees, 1889",
    "the_scream": "Edvard Munch, The Scream, 1893",
    "tahiti": "Paul Gauguin, women of Tahiti, 1890s",
    "udnie": "Francis Picabia, Udnie, 1913",
    "edtaonisl": "Francis Picabia, Edtaonisl, 1913",
    "contrast_of_forms": "Fernand Léger, Contrast of Forms, 1913",
    "mondrian": "Piet Mondrian, a cubist composition, c. 1913",
    "composition_vii": "Wassily Kandinsky, Composition VII, 1913",
    "woman_with_hat": "Henri Matisse, Woman with a Hat, 1905",
}
NETWORKS = {"gallery": "full", "light": "light"}  # that know them all -> arch


def find_style(
    source: str | Path,  # NAME of a style that ships, gallery, light, FILE, FILE:NAME, a run folder
) -> tuple[Path, str | None]:  # the file; the style in it, None when nobody said
    "What is meant by the name of a style."
    path = Path(source)
    if path.is_file() or (path / MODEL).is_file():  # its own name may have a colon too
        return path, None
    if str(source) in NETWORKS:
        return shipped_path("gallery", NETWORKS[str(source)]), None
    if str(source) in GALLERY:
        return shipped_path("gallery", "full"), str(source)
    file, colon, name = str(source).rpartition(":")
    if colon:
        return find_style(file)[0] if file in NETWORKS else Path(file), name
    if path.suffix:
        raise FileNotFoundError(f"no style file {path}.")
    raise FileNotFoundError(f"no style file {path}, and of that name none ships: {_known()}.")


def _known():
    return ", ".join(GALLERY)


def style_thumbnail(name: str) -> Path:
    "A small picture of the painting of a style that ships."
    if name not in GALLERY:
        raise ValueError(f"no style '{name}' ships: there are {_known()}.")
    return ASSETS / "gallery" / f"{name}.jpg"


def gallery_sheet(
    columns: int = 5,
    size: int = 240,  # px of a thumbnail's side
) -> Image.Image:
    "The thumbnails of all styles that ship, their names below."
    font, cells = ImageFont.load_default(size / 14), []
    for name in GALLERY:
        cell = Image.new("RGB", (size, size + size // 10), "white")
        cell.paste(ImageOps.fit(read_picture(style_thumbnail(name)), (size, size)))
        middle = size / 2, size * 1.05
        ImageDraw.Draw(cell).text(middle, name, "black", font, anchor="mm")
        cells.append(cell)
    return contact_sheet(list(chunked(cells, columns)))
