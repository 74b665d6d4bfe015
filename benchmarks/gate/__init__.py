"""The regression gate: counts that follow from the code alone, held against recorded bounds; never time.

Each module but `bounds`, `groups` and `command` counts one group of figures in a fixed run of the job, with its seed:
the same in every run, on every machine, under any load. They count where parts of the program meet: calls,
instructions, statements, rows, pages, objects. So the code behind may be written anew, and is still held to them.

`python -m benchmarks gate` counts and holds, `--record` writes the bounds anew, on purpose; `tests/gate` runs it with
every change.
"""
