"""What nextlead is compared with: in the same run, on the same disk, with the same durability and the same history.

| module | what stands there |
| --- | --- |
| `writers` | programs without rules that write what the dialer has written (T3) |
| `skip_locked` | PostgreSQL as a queue, `FOR UPDATE SKIP LOCKED` (T3, T4) |
| `redis_lua` | Redis, sorted sets and a script per operation (T3) |
| `heaps` | plain heaps in memory: nothing durable, the limit (T1) |
| `buffer` | a table of the next leads that is filled once a minute (T13's neighbour, `freshness`) |

`rows` is the job as rivals see it, `floor` the agents at work on a rival, `servers` what starts a rival's server in a
folder of the disk measured.
"""
