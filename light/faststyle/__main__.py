"`python -m faststyle`."

from .cli.main import main

main()
