"Paints photos in the style of any painting, in seconds, without PyTorch."

from .inference.stylizer import Stylizer
from .version import __version__

__all__ = ["Stylizer", "__version__"]
