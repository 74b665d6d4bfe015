"""Backups: a whole store, all organisations, as one SQLite store file that is consistent as of one moment.

Such a file can be verified and served as it is, and restored into a new file or into an empty PostgreSQL database.
"""
