"See `table`. The processes that it starts cannot import functions from this file."

from benchmarks.standard.table import main

main()
