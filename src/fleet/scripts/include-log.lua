-- Included by every script that changes something. KEYS[1] is the meta hash, KEYS[2] the log stream and the channel.

local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- Index of the last entry; nil when the log is not of this incarnation any more. KEYS[3] is a sorted set in all scripts that
-- include this; asking for its size fails here and not after a change where somebody put something else in its place.
local function logIndex(incarnation)
  redis.call('ZCARD', KEYS[3])
  local meta = redis.call('HMGET', KEYS[1], 'incarnation', 'index')
  if meta[1] ~= incarnation then return nil end
  return tonumber(meta[2])
end

-- Appends an entry at the next dense index. XADD comes first: where the stream has foreign entries it fails, and nothing
-- has been changed yet.
local function append(incarnation, envelope, retention, hintBytes, now)
  local meta = redis.call('HMGET', KEYS[1], 'index', 'chain')
  local index = tonumber(meta[1]) + 1
  local chain = redis.sha1hex(meta[2] .. envelope)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', retention, text(index) .. '-0',
    'e', envelope, 'c', chain, 't', text(now))
  redis.call('HSET', KEYS[1], 'index', text(index), 'chain', chain)
  local copy = ''
  if #envelope <= tonumber(hintBytes) then copy = envelope end
  redis.pcall('PUBLISH', KEYS[2], incarnation .. ' ' .. text(index) .. ' ' .. chain .. ' ' .. copy)
  return index
end
