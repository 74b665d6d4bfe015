"""Redis as a queue: sorted sets, and one Lua script for each operation, so one round trip and one step of the server.

`appendonly yes`, `appendfsync always`: an answer leaves the server when what it says is on the disk; the server syncs
once for all commands that it has read together. `rows.py` says which rules it has.

| key | what |
| --- | --- |
| `lead:ID` | the lead, packed (a hash of its fields takes more memory and more time) |
| `own:AGENT` | sorted set of its VIP and private redials by due time |
| `later:CAMPAIGN:OWNER` | sorted set of common and automatic redials by due time |
| `fresh:CAMPAIGN:OWNER` | sorted set of new leads by priority and place in the pool |
| `held` | hash: the lead that each agent has |
| `off` | set of the pools that are switched off |
| `history` | list of lines |

Members of the first two begin with rank and priority, those of the third end with the pool, so that no lead is read
that is not offered. Of redials that are due in one set the first `LOOK` are looked at; the job never has so many.
Redials due at the same millisecond go by their ids. Keys that follow from what a lead says are made by the scripts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec import msgpack

from ..engine import Tell
from ..figures import Result
from .floor import Rival, measure_forms
from .redis_pipe import RedisPipe, pack
from .rows import ATTEMPTS_MOST, OVERDUE_MS, RETRY_MS, Ending, RivalAgent, RivalJob

LOOK: Final = 200
FORMS: Final = {"connections_32": (32, False), "merged_4": (4, True), "merged_1": (1, True)}
"""Connections, and whether agents share them."""


class Scripts(NamedTuple):
    """What the server calls its scripts."""

    next: str
    finish: str


_DECIDE: Final = f"""
local now, call = tonumber(ARGV[2]), redis.call
local off = {{}}
for _, pool in ipairs(redis.call('SMEMBERS', 'off')) do off[pool] = true end

local function due(first, last, any_pool)
  local key, member, rank, at
  for i = first, last do
    local found = call('ZRANGE', KEYS[i], '-inf', now, 'BYSCORE', 'LIMIT', 0, {LOOK}, 'WITHSCORES')
    for j = 1, #found, 2 do
      local m, due_ms = found[j], tonumber(found[j + 1])
      if any_pool or not off[string.sub(m, 18)] then
        local r = string.sub(m, 1, 1) .. (due_ms < now - {OVERDUE_MS} and '0' or '1') .. string.sub(m, 2, 5)
        if not rank or r < rank or (r == rank and (due_ms < at or (due_ms == at and m < member))) then
          key, member, rank, at = KEYS[i], m, r, due_ms
        end
      end
    end
  end
  return key, member
end

local function fresh(first, last)
  local key, member, at
  for i = first, last do
    local from = 0
    while from do
      local found = call('ZRANGE', KEYS[i], from, from, 'WITHSCORES')
      local m, score = found[1], tonumber(found[2])
      if m and off[string.sub(m, 13)] then
        from = from + 1
      else
        if m and (not at or score < at or (score == at and m < member)) then key, member, at = KEYS[i], m, score end
        from = nil
      end
    end
  end
  return key, member
end
"""
NEXT: Final = f"""{_DECIDE}
local id
local key, member = due(4, 4, true)
if not key then key, member = due(5, 4 + (#KEYS - 4) / 2) end
if key then
  id = tonumber(string.sub(member, 7, 16))
else
  key, member = fresh(5 + (#KEYS - 4) / 2, #KEYS)
  if not key then return nil end
  id = tonumber(string.sub(member, 1, 11))
end
local packed = redis.call('GET', 'lead:' .. id)
local lead = cmsgpack.unpack(packed)
redis.call('ZREM', key, member)
redis.call('HSET', 'held', ARGV[1], id)
redis.call('RPUSH', 'history', cmsgpack.pack({{id, now, lead[8], ARGV[1], lead[3], lead[6], lead[6], 'leased'}}))
return {{id, lead[9]}}
"""
FINISH: Final = f"""
local agent, id, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local status, due, closure, what = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
if redis.call('HGET', 'held', agent) ~= ARGV[2] then return 0 end
local lead = cmsgpack.unpack(redis.call('GET', KEYS[1]))
local before, retries = lead[6], {{{", ".join(map(str, RETRY_MS))}}}
lead[7] = lead[7] + 1
if status == 0 and lead[7] >= {ATTEMPTS_MOST} then
  status, due, closure = 8, 0, 'max_call_attempts'
elseif status == 0 then
  status = before == 1 and 2 or before
  lead[10] = math.min(lead[10] + 1, #retries)
  due = now + retries[lead[10]]
else
  lead[10] = 0
  if status == 4 or status == 5 then lead[3] = tonumber(agent) end
end
lead[6], lead[8] = status, due
redis.call('SET', KEYS[1], cmsgpack.pack(lead))
redis.call('HDEL', 'held', agent)
redis.call('RPUSH', 'history', cmsgpack.pack({{id, now, due, agent, lead[3], before, status, what, closure}}))
if status ~= 8 then
  local key = status >= 4 and 'own:' .. lead[3] or 'later:' .. lead[1] .. ':' .. lead[3]
  redis.call('ZADD', key, due, string.format('%d%04d:%010d:%d', 9 - status, lead[5], id, lead[2]))
end
return 1
"""
LOAD: Final = """
for _, l in ipairs(cmsgpack.unpack(ARGV[1])) do
  local id, campaign, pool, owner, priority, seq, number = unpack(l)
  redis.call('SET', 'lead:' .. id, cmsgpack.pack({campaign, pool, owner, owner, priority, 1, 0, 0, number, 0}))
  local score = priority * 4294967296 + seq
  redis.call('ZADD', 'fresh:' .. campaign .. ':' .. owner, score, string.format('%011d:%d', id, pool))
end
"""


class RedisLua:
    """It on some connections. Calls of all agents go out on them as they come, `merged`, or wait for a free one."""

    def __init__(self, pipes: Sequence[RedisPipe], scripts: Scripts, *, merged: bool) -> None:
        self._pipes = pipes
        self._scripts = scripts
        self._merged = merged
        self._turns = asyncio.Semaphore(len(pipes))  # whoever came first goes first
        self._free = list(pipes)
        self._asks: dict[int, bytes] = {}

    async def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        """See `Rival`."""
        ask = self._asks.get(agent.no) or self._asks.setdefault(agent.no, self._ask_of(agent))
        found = await self._send(agent.no, ask + b"$13\r\n%d\r\n" % now_ms)
        return found[0] if found else None

    async def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        """See `Rival`."""
        values = (ending.status, ending.due_ms, ending.closure, ending.kind)
        command = ("EVALSHA", self._scripts.finish, 1, f"lead:{lead}", agent.no, lead, now_ms, *values)
        done = await self._send(agent.no, pack(*command))
        assert done, f"lead {lead} is not held by agent {agent.no}"

    def _ask_of(self, agent: RivalAgent) -> bytes:
        """The command without its last part, the time, which always has 13 digits."""
        ranges = [f"{campaign}:{owner}" for campaign in agent.campaigns for owner in agent.owners]
        keys = ("held", "off", "history", f"own:{agent.no}", *(f"{k}:{r}" for k in ("later", "fresh") for r in ranges))
        packed = pack("EVALSHA", self._scripts.next, len(keys), *keys, agent.no, 10**12)
        return packed.removesuffix(b"$13\r\n1000000000000\r\n")

    async def _send(self, agent: int, command: bytes) -> Any:
        if self._merged:
            return await self._pipes[agent % len(self._pipes)].send(command)
        async with self._turns:
            pipe = self._free.pop()
            answer = await pipe.send(command)
            self._free.append(pipe)
            return answer


@asynccontextmanager
async def loaded(socket: Path, job: RivalJob, tell: Tell) -> AsyncIterator[tuple[RedisPipe, Scripts]]:
    """A connection to a server that has the job's leads on disk from then on, and the scripts."""
    pipe = await RedisPipe.connect(socket)
    try:
        written = 0
        for leads in job.leads():
            await pipe.call("EVAL", LOAD, 0, msgpack.encode(leads))
            written += len(leads)
            tell(f"loading, {written:,} leads")
        await _write_down(pipe)
        scripts = [(await pipe.call("SCRIPT", "LOAD", script)).decode() for script in (NEXT, FINISH)]
        yield pipe, Scripts(*scripts)
    finally:
        pipe.close()


async def _write_down(pipe: RedisPipe) -> None:
    """Append from now on, after all that is there."""
    await pipe.call("CONFIG", "SET", "appendonly", "yes")
    while True:
        lines = (await pipe.call("INFO", "persistence")).decode().splitlines()
        about = dict(line.split(":", 1) for line in lines if ":" in line)
        if about["aof_rewrite_in_progress"] == about["aof_rewrite_scheduled"] == "0":
            break
        await asyncio.sleep(0.05)
    assert (about["aof_enabled"], about["aof_last_bgrewrite_status"]) == ("1", "ok"), about
    assert (await pipe.call("CONFIG", "GET", "appendfsync"))[1] == b"always"


@asynccontextmanager
async def connected(socket: Path, scripts: Scripts, connections: int, *, merged: bool) -> AsyncIterator[RedisLua]:
    """It on so many connections, to what `loaded` has made."""
    pipes = [await RedisPipe.connect(socket) for _ in range(connections)]
    try:
        yield RedisLua(pipes, scripts, merged=merged)
    finally:
        for pipe in pipes:
            pipe.close()


async def measure_redis(socket: Path, job: RivalJob, operations: int, tell: Tell) -> Result:
    """On 32 connections, and all agents merged on 4, in turn, on the same leads; see `measure_forms`."""
    async with loaded(socket, job, tell) as (pipe, scripts), AsyncExitStack() as stack:
        forms: dict[str, Rival] = {}
        for name, (count, merged) in FORMS.items():
            forms[name] = await stack.enter_async_context(connected(socket, scripts, count, merged=merged))
        result = await measure_forms(forms, job, operations, tell)
        lines = await pipe.call("LLEN", "history")
        assert lines == result.pop("lines"), "an operation has left no line of history"
        return result
