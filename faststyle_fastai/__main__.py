"python -m faststyle_fastai"

from .cli.main import main

main()
