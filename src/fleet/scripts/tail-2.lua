--[[
Reads the log from an index on.

KEYS: 1 meta, 2 log
ARGV: 1 index after which to begin, 2 most entries, 3 octets of the largest entry, 4 octets after which to stop

Replies: incarnation (empty: none), index, chain, feature level, ms of Redis TIME,
  chain of the entry at the given index (empty: not retained),
  list of index, chain, ms of Redis TIME when it was written, envelope (empty: too large or missing)
]]
local meta = redis.call('HMGET', KEYS[1], 'incarnation', 'index', 'chain', 'level')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function fieldsOf(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return fields
end
local function indexOf(entry)
  return tonumber(string.match(entry[1], '^(%d+)-0$') or 0)
end

local after = tonumber(ARGV[1])
local here = redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', ARGV[1] .. '-0')
local entries, octets = {}, 0
local nextIndex = after + 1
while #entries < tonumber(ARGV[2]) and octets < tonumber(ARGV[4]) do
  local found = redis.call('XRANGE', KEYS[2], string.format('%.0f', nextIndex) .. '-0', '+', 'COUNT', 1)
  if #found == 0 then break end
  local fields = fieldsOf(found[1])
  local envelope = fields.e or ''
  if #envelope > tonumber(ARGV[3]) then envelope = '' end
  nextIndex = indexOf(found[1]) + 1
  octets = octets + #envelope
  entries[#entries + 1] = { nextIndex - 1, fields.c or '', tonumber(fields.t or 0) or 0, envelope }
  if nextIndex <= after then break end
end
return {
  meta[1] or '', tonumber(meta[2] or 0) or 0, meta[3] or '', tonumber(meta[4] or 0) or 0, now,
  here[1] and fieldsOf(here[1]).c or '', entries,
}
