--[[
Removes everything of a scope, or its templates of one kind, with one entry.

KEYS: 1 meta, 2 log, 3 scopes, 4 templates, 5 exporter state, 6 times of the scope
ARGV: 1 incarnation, 2 envelope, 3 retention of the log, 4 octets of the largest published copy, 5 scope, 6 largest value,
  7 items per scope, 8 kind of value (1 or 2; empty: everything),
  9 only when nothing of the scope was announced after this, ms of Redis TIME (empty: always)

Replies: other-incarnation
  removed, index, number of items (a key of another type counts as one)
]]
-- @include include-log.lua
-- @include include-items.lua

local index = logIndex(ARGV[1])
if not index then return { 'other-incarnation' } end
local scope = ARGV[5]
local announced = redis.call('ZSCORE', KEYS[3], scope)
if ARGV[9] ~= '' and (not announced or tonumber(announced) > tonumber(ARGV[9])) then
  return { 'removed', index, 0 }
end
local removed = dropForeignKeys(tonumber(ARGV[7]))

if ARGV[8] == '' then
  removed = removed + itemCount()
  if removed == 0 then
    if announced then redis.call('ZREM', KEYS[3], scope) end
    return { 'removed', index, 0 }
  end
  index = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], nowMs())
  redis.call('UNLINK', KEYS[4], KEYS[5], KEYS[6])
  redis.call('ZREM', KEYS[3], scope)
  return { 'removed', index, removed }
end

local going = {}
for _, item in ipairs(redis.call('HKEYS', KEYS[4])) do
  local current = valueOf(KEYS[4], item, tonumber(ARGV[6]))
  if current and current.kind == tonumber(ARGV[8]) then going[#going + 1] = item end
end
if #going > 0 then
  index = append(ARGV[1], ARGV[2], ARGV[3], ARGV[4], nowMs())
  for _, item in ipairs(going) do
    redis.call('HDEL', KEYS[4], item)
    redis.call('HDEL', KEYS[6], item)
  end
  forgetScopeIfEmpty(scope)
end
return { 'removed', index, #going }
