"Benchmarks: each script prints tables and writes them to benchmarks/results."
