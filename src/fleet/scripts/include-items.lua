-- Included by the scripts that change items. KEYS: 1 meta, 2 log, 3 scopes, and of the scope: 4 templates, 5 exporter
-- state, 6 times: item -> `<last announced>:<arrived>`, both milliseconds of Redis TIME.

-- A key of another type, or with far more items than there can be, is nothing that a collector has written or reads. It is
-- removed, so that the scope can be written again. Returns how many there were.
local function dropForeignKeys(maxItems)
  local dropped = 0
  for i = 4, 6 do
    local kind = redis.call('TYPE', KEYS[i]).ok
    if kind ~= 'none' and (kind ~= 'hash' or redis.call('HLEN', KEYS[i]) > 4 * maxItems) then
      redis.call('UNLINK', KEYS[i])
      dropped = dropped + 1
    end
  end
  return dropped
end

-- The same for items whose names no collector writes.
local function dropForeignItems(maxNameBytes)
  for i = 4, 5 do
    for _, item in ipairs(redis.call('HKEYS', KEYS[i])) do
      if #item > maxNameBytes or string.find(item, '[^\33-\126]') then redis.call('HDEL', KEYS[i], item) end
    end
  end
end

-- The header of a value: 'damaged', 'newer', or 'sound' with kind, export time and sequence number. The checksum is left
-- to readers.
local function header(value)
  if #value < 8 or string.sub(value, 1, 4) ~= 'MRTV' then return 'damaged' end
  local version = string.byte(value, 5)
  if version > 1 then return 'newer' end
  if version < 1 or #value < 44 or struct.unpack('>I4', value, 37) ~= #value - 44 then return 'damaged' end
  local exported = struct.unpack('>d', value, 17)
  if exported ~= exported then return 'damaged' end
  return 'sound', string.byte(value, 6), exported, struct.unpack('>I4', value, 25)
end

-- The value of an item and its header; nil where there is none that could be compared with.
local function valueOf(key, item, maxValueBytes)
  local length = redis.call('HSTRLEN', key, item)
  if length == 0 or length > maxValueBytes then return nil end
  local value = redis.call('HGET', key, item)
  local state, kind, exported, sequence = header(value)
  if state == 'damaged' then return nil end
  return { value = value, newer = state == 'newer', kind = kind, exported = exported, sequence = sequence }
end

local function timesOf(item)
  local times = redis.call('HGET', KEYS[6], item)
  if not times then return 0, 0 end
  local seen, arrived = string.match(times, '^(%d+):(%d+)$')
  return tonumber(seen) or 0, tonumber(arrived) or 0
end

-- supersedes of stored-value.ts, with arrivals in place of ages.
local function supersedes(arrived, exported, sequence, current, currentArrived, windowMs)
  local later = arrived - currentArrived
  if math.abs(later) > windowMs then return later > 0 end
  if exported ~= current.exported then return exported > current.exported end
  return (sequence - current.sequence) % 4294967296 < 2147483648
end

local function announce(scope, at)
  local last = tonumber(redis.call('ZSCORE', KEYS[3], scope) or 0)
  if at > last then redis.call('ZADD', KEYS[3], text(at), scope) end
end

local function itemCount()
  return redis.call('HLEN', KEYS[4]) + redis.call('HLEN', KEYS[5])
end

local function forgetScopeIfEmpty(scope)
  if itemCount() > 0 then return end
  redis.call('UNLINK', KEYS[6])
  redis.call('ZREM', KEYS[3], scope)
end
