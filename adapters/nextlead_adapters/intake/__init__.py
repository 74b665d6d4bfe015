"""Leads come in: files and JSON entries become rows that the engine can load (SPEC 9).

`service` is what the faces call. `worker` parses files in a process of its own; `files`, `mapping`, `numbers`, `rows`
and `leads` are pure and know the rules. `docs/intake.md` says the same for people who upload.
"""
