"Fast neural style transfer that anyone can train and run, on fastai."

import warnings

__version__ = "0.3.0.dev0"

# fastai compiles parts of itself by what torch calls deprecated since 2.14.
warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", FutureWarning)
