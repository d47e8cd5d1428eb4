"The folder of the files bundled with the package."

from pathlib import Path

__all__ = ["ASSETS"]

ASSETS = Path(__file__).parents[1] / "assets"
