"""How fast, how small, how safe: `python -m benchmarks engine`, `durable`, `cost`.

Not part of the package: it comes with the checkout only. What each figure means stands in `README.md` beside this file.
"""
