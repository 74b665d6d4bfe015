"""Proves that a store file's tables say what its rows say: counters, indexes, journal, histories.

What is kept beside the rows, to find them fast or to count them, is worked out from them afresh and compared. Queues
and timers, which are in memory only, are `nextlead.core.verify`'s part.
"""
