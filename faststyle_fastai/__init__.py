"Fast neural style transfer that anyone can train and run, on fastai."

import os
import warnings

__version__ = "0.3.0.dev0"

# Threads of GNU OpenMP wait for each other in a loop, which takes cores from them where another
# program needs one. They sleep sooner, and on a quiet machine nothing is lost.
os.environ.setdefault("GOMP_SPINCOUNT", "4000")

# fastai compiles parts of itself by what torch calls deprecated since 2.14.
warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
