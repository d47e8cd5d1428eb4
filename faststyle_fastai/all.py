"What a notebook imports: `from faststyle_fastai.all import *`."

from fastai.torch_core import set_seed

from .backbones import *
from .bulk import *
from .callbacks import *
from .checkpoint import *
from .colors import *
from .data import *
from .download import *
from .errors import *
from .evaluate import *
from .export import *
from .files import *
from .film import *
from .folders import *
from .gallery import *
from .images import *
from .learner import *
from .losses import *
from .optimize import *
from .optimizer import *
from .pixels import *
from .progress import *
from .recipes import *
from .sheets import *
from .stable import *
from .style_losses import gram_matrix
from .stylefile import *
from .stylizer import *
from .transformer import *
from .video import *
