--[[
Raises the feature level of the fleet with one entry, unless a collector that is alive would not understand it.

KEYS: 1 meta, 2 log, 3 members, 4 feature levels
ARGV: 1 incarnation, 2 envelope, 3 retention of the log, 4 octets of the largest published copy, 5 level,
  6 ms after which members are alive no more

Replies: other-incarnation
  raised | unchanged, index
  refused, index, member, its level
]]
-- @include include-log.lua

local index = logIndex(ARGV[1])
if not index then return { 'other-incarnation' } end
local now = nowMs()
local level = tonumber(ARGV[5])
if (tonumber(redis.call('HGET', KEYS[1], 'level') or 0) or 0) >= level then return { 'unchanged', index } end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], text(now - tonumber(ARGV[6])), '+inf')) do
  local its = tonumber(redis.call('HGET', KEYS[4], member) or 0) or 0
  if its < level then return { 'refused', index, member, its } end
end
index = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], now)
redis.call('HSET', KEYS[1], 'level', ARGV[5])
return { 'raised', index }
