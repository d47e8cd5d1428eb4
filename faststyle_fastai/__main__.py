"python -m faststyle_fastai"

from .cli import main

main()
