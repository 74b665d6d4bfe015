"""Stores whose commits are rows of a journal, with tables that follow: what SQLite and PostgreSQL have in common.

A commit is one row of the journal, and durable with it. What it changed stays in memory (`overlay`) until it is folded
into the tables behind the commits (`tending`); who reads looks at both. A database brings the statements (`tables`).
"""
