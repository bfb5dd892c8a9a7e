--[[
Removes items of one scope with one entry. The entry names exactly what is removed: where that would not be all of what
was asked for, nothing is done and the caller asks again for the rest.

KEYS: 1 meta, 2 log, 3 scopes, 4 templates, 5 exporter state, 6 times of the scope
ARGV: 1 incarnation, 2 envelope, 3 retention of the log, 4 octets of the largest published copy, 5 scope, 6 largest value,
  7 items per scope, 8 reorder window in ms, 9 whether values of a newer format stay (1 or 0),
  10 age in ms, 11 export time in ms and 12 sequence number of the version, all empty for none, 13... items

Replies: other-incarnation
  removed, index, number of items
  only, index, items that would be removed
]]
-- @include include-log.lua
-- @include include-items.lua

local index = logIndex(ARGV[1])
if not index then return { 'other-incarnation' } end
local now = nowMs()
dropForeignKeys(tonumber(ARGV[7]))

local function goes(key, item)
  if redis.call('HEXISTS', key, item) == 0 then return false end
  local current = valueOf(key, item, tonumber(ARGV[6]))
  if not current then return true end
  if current.newer then return ARGV[9] == '0' end
  if ARGV[10] == '' then return true end
  local _, arrived = timesOf(item)
  return supersedes(now - tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), current, arrived, tonumber(ARGV[8]))
end

local going = {}
for i = 13, #ARGV do
  if goes(KEYS[4], ARGV[i]) or goes(KEYS[5], ARGV[i]) then going[#going + 1] = ARGV[i] end
end
if #going == 0 then return { 'removed', index, 0 } end
if #going < #ARGV - 12 then
  local reply = { 'only', index }
  for i, item in ipairs(going) do reply[i + 2] = item end
  return reply
end

index = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], now)
for _, item in ipairs(going) do
  for k = 4, 6 do redis.call('HDEL', KEYS[k], item) end
end
forgetScopeIfEmpty(ARGV[5])
return { 'removed', index, #going }
