"""The command line: `nextlead`, a client of the running daemon, and what starts one."""
