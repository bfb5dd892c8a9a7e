--[[
Puts items of one scope, all or none, with one entry.

KEYS: 1 meta, 2 log, 3 scopes, 4 templates, 5 exporter state, 6 times of the scope
ARGV: 1 incarnation, 2 envelope, 3 retention of the log, 4 octets of the largest published copy, 5 scope, 6 largest value,
  7 items per scope, 8 scopes, 9 reorder window in ms, 10 most items named in a reply, 11 value that does not count,
  12 longest item name, 13... item, value, age in ms

Replies: other-incarnation
  stored | unchanged, index, foreign keys dropped
  older | newer-format, index, the value that stays
  items-full, index, items to evict first, oldest first
  scopes-full, index, scope to evict first, when it was last announced
]]
-- @include include-log.lua
-- @include include-items.lua

local index = logIndex(ARGV[1])
if not index then return { 'other-incarnation' } end
local now = nowMs()
local scope, maxValueBytes, maxItems = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local dropped = dropForeignKeys(maxItems)

local items = {}
local changed, fresh = false, 0
for i = 13, #ARGV, 3 do
  local item, value = ARGV[i], ARGV[i + 1]
  local _, kind, exported, sequence = header(value)
  local key = kind == 3 and KEYS[5] or KEYS[4]
  local arrived = now - tonumber(ARGV[i + 2])
  local current = valueOf(key, item, maxValueBytes)
  if current and current.value == ARGV[11] and not current.newer then current = nil end
  if current and current.newer then return { 'newer-format', index, current.value } end
  local same = current and current.kind == kind and string.sub(current.value, 45) == string.sub(value, 45)
  if not same then
    changed = true
    if current and kind ~= 3 then
      local _, currentArrived = timesOf(item)
      if not supersedes(arrived, exported, sequence, current, currentArrived, tonumber(ARGV[9])) then
        return { 'older', index, current.value }
      end
    end
    if redis.call('HEXISTS', key, item) == 0 then fresh = fresh + 1 end
  end
  items[#items + 1] = { item = item, value = value, key = key, arrived = arrived, same = same }
end

if changed then
  if itemCount() + fresh > maxItems then dropForeignItems(tonumber(ARGV[12])) end
  local over = itemCount() + fresh - maxItems
  if over > 0 then
    -- Some more than needed, so that a full scope is not sorted for each newcomer.
    local wanted = math.min(math.max(over, math.floor(maxItems / 64)), tonumber(ARGV[10]))
    local staying = {}
    for _, one in ipairs(items) do staying[one.item] = true end
    local aged = {}
    for k = 4, 5 do
      for _, item in ipairs(redis.call('HKEYS', KEYS[k])) do
        if not staying[item] then aged[#aged + 1] = { item, (timesOf(item)) } end
      end
    end
    table.sort(aged, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
    local reply = { 'items-full', index }
    for i = 1, math.min(wanted, #aged) do reply[i + 2] = aged[i][1] end
    return reply
  end
  if redis.call('ZSCORE', KEYS[3], scope) == false and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[8]) then
    local idlest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
    -- No collector writes such a name, or reads it.
    while idlest[1] and string.find(idlest[1], '[^\33-\126]') do
      redis.call('ZREM', KEYS[3], idlest[1])
      idlest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
    end
    if redis.call('ZCARD', KEYS[3]) < tonumber(ARGV[8]) then idlest = nil end
    if idlest then return { 'scopes-full', index, idlest[1], idlest[2] } end
  end
  index = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], now)
end

for _, one in ipairs(items) do
  local seen, arrived = timesOf(one.item)
  if one.arrived > seen then seen = one.arrived end
  if changed then redis.call('HSET', one.key, one.item, one.value) end
  if not one.same then arrived = one.arrived end
  redis.call('HSET', KEYS[6], one.item, text(seen) .. ':' .. text(arrived))
  announce(scope, seen)
end
return { changed and 'stored' or 'unchanged', index, dropped }
