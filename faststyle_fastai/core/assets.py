"The folder of the files bundled with the package."

from pathlib import Path

from .errors import FaststyleError

__all__ = ["ASSETS", "MODEL", "builtin_path", "sample_photos"]

# The folder of the files in the package: networks, thumbnails of paintings, one painting
ASSETS = Path(__file__).parents[1] / "assets"

MODEL = "model.safetensors"  # file name of the network in a run folder


def builtin_path(
    name: str,  # autoencoder, gallery, decoder or any_painting
    arch: str = "full",
) -> Path:
    "The file of a built-in network."
    path = ASSETS / f"{name if arch == 'full' else f'{name}-{arch}'}.safetensors"
    if not path.is_file():
        raise FaststyleError(
            f"No built-in {name} for arch '{arch}'. Start from your own file, or from scratch "
            f"with pretrained=None."
        )
    return path


def sample_photos() -> tuple[Path, dict]:
    "The folder of scikit-learn's two sample photos, and settings to train on only two."
    from sklearn import datasets

    return Path(datasets.__file__).parent / "images", {"valid_pct": 0, "images": 400}
