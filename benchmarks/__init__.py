"Scripts that print the README's tables; each writes its figures to benchmarks/results."
