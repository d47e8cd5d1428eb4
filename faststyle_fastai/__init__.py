"Fast neural style transfer that anyone can train and run, on fastai."

__version__ = "0.2.0"
