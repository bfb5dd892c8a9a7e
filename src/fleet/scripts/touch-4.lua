--[[
Notes that items were announced again, now. Makes no entry; what is not there stays away.

KEYS: 1 scopes, and of the scope: 2 templates, 3 exporter state, 4 times
ARGV: 1 scope, 2... items
]]
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local touched = 0
for i = 2, #ARGV do
  local item = ARGV[i]
  if redis.call('HEXISTS', KEYS[2], item) == 1 or redis.call('HEXISTS', KEYS[3], item) == 1 then
    local times = redis.call('HGET', KEYS[4], item)
    local arrived = times and string.match(times, '^%d+:(%d+)$')
    redis.call('HSET', KEYS[4], item, now .. ':' .. (arrived or '0'))
    touched = touched + 1
  end
end
if touched > 0 then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
return touched
