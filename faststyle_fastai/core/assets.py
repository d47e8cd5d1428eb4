"The folder of the files bundled with the package."

from pathlib import Path

__all__ = ["ASSETS"]

# The folder of the files in the package: networks, thumbnails of paintings, one painting
ASSETS = Path(__file__).parents[1] / "assets"
