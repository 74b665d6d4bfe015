"""Forgetting persons, and the data of leads whose time is over (SPEC R10.6, R10.7)."""
