--[[
Says where the log stands. A log that is not there, or not whole, is begun anew: under a new incarnation, so that no
collector takes its entries for old ones. The items stay; they are true whatever became of the log.

KEYS: 1 meta, 2 log, 3 scopes
ARGV: 1 incarnation to give where there is none (empty: leave it alone)

Replies: incarnation (empty: none), index, chain, feature level, ms of Redis TIME
]]
for i, wanted in ipairs({ 'hash', 'stream', 'zset' }) do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= wanted then
    return redis.error_reply('WRONGTYPE key ' .. KEYS[i] .. ' is a ' .. kind .. ', not a ' .. wanted)
  end
end
local meta = redis.call('HMGET', KEYS[1], 'incarnation', 'index', 'chain', 'level')

local function whole()
  if not (meta[1] and meta[2] and meta[3]) then return false end
  if not (#meta[1] == 32 and #meta[3] == 40 and #meta[2] < 16 and string.match(meta[2], '^%d+$')) then return false end
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  return #last == 0 or last[1][1] == meta[2] .. '-0'
end

if not whole() then
  meta = { '', '0', '', meta[4] }
  if ARGV[1] ~= '' then
    meta[1], meta[3] = ARGV[1], redis.sha1hex(ARGV[1])
    redis.call('HSET', KEYS[1], 'incarnation', meta[1], 'index', '0', 'chain', meta[3])
    redis.call('UNLINK', KEYS[2])
  end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return { meta[1], tonumber(meta[2]), meta[3], tonumber(meta[4] or 0) or 0, now }
