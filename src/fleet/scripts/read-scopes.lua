--[[
Reads items of scopes, page by page. What is too large or of another type is named and counted, not loaded.

KEYS: of each scope: templates, exporter state, times
ARGV: 1 largest value, 2 longest item name, 3 items per scope, 4 octets after which to stop,
  5 item of the first scope after which to begin (empty: at the beginning), 6 the only item to read (empty: all)

Replies: ms of Redis TIME, number of scopes read to their end, last item read of the scope after those (empty: none),
  faults: number of values too large, names too long or not printable ASCII, keys with too many items, keys of another type,
  list, for each scope begun, of lists: item, value, when it was last announced (ms of Redis TIME)
]]
local maxValueBytes, maxNameBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local maxItems, pageBytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local faults = { 0, 0, 0, 0 }

local function isHash(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'hash' and redis.call('HLEN', key) <= 4 * maxItems then return true end
  if kind == 'hash' then faults[3] = faults[3] + 1 elseif kind ~= 'none' then faults[4] = faults[4] + 1 end
  return false
end

local function namesOf(first)
  local names = {}
  for key = first, first + 1 do
    if isHash(KEYS[key]) then
      local found = ARGV[6] == '' and redis.call('HKEYS', KEYS[key]) or { ARGV[6] }
      for _, item in ipairs(found) do
        if #item == 0 or #item > maxNameBytes or string.find(item, '[^\33-\126]') then faults[2] = faults[2] + 1
        else names[#names + 1] = { item, KEYS[key] } end
      end
    end
  end
  table.sort(names, function(a, b) return a[1] < b[1] end)
  return names
end

local scopes, done, last, octets = {}, 0, '', 0
for first = 1, #KEYS, 3 do
  local items = {}
  scopes[#scopes + 1] = items
  local after = first == 1 and ARGV[5] or ''
  local names = namesOf(first)
  local timed = isHash(KEYS[first + 2])
  for _, name in ipairs(names) do
    if name[1] > after then
      if octets >= pageBytes then break end
      last = name[1]
      local length = redis.call('HSTRLEN', name[2], name[1])
      if length > maxValueBytes then faults[1] = faults[1] + 1
      else
        local value = redis.call('HGET', name[2], name[1])
        if value then
          local times = timed and redis.call('HGET', KEYS[first + 2], name[1]) or ''
          local seen = tonumber(string.match(times or '', '^(%d+):') or 0)
          items[#items + 1] = { name[1], value, seen }
          octets = octets + length + 64
        end
      end
    end
  end
  if #names > 0 and last ~= '' and last < names[#names][1] then break end
  done = done + 1
  last = ''
  if octets >= pageBytes then break end
end
return { now, done, last, faults, scopes }
