"Paints photos in the style of any painting, in seconds, without PyTorch."

from .version import __version__  # isort: split

from .inference.stylizer import Stylizer

__all__ = ["Stylizer", "__version__"]
