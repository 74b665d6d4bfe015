"""The store on a PostgreSQL server, for the extra `nextlead[postgres]`."""
