--[[
Notes that a collector is there, or that it has left.

KEYS: 1 members (sorted set: member -> last heard of, ms of Redis TIME), 2 feature levels (hash: member -> level)
ARGV: 1 member, 2 highest feature level it understands (empty: it leaves), 3 ms after which members are alive no more,
  4 ms after which they are forgotten

Replies: number of members alive
]]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function before(ms) return '(' .. string.format('%.0f', now - ms) end

if ARGV[2] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before(tonumber(ARGV[4])), 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
end
return redis.call('ZCOUNT', KEYS[1], before(tonumber(ARGV[3])), '+inf')
