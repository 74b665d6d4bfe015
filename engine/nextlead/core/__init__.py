"""The pure core: rows, commands, changes, rules, queues, timers. No I/O, no clock, no global state."""
