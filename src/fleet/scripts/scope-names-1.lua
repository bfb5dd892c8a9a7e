--[[
Names all scopes, those announced longest ago first. Names that no collector writes (too long, not printable ASCII) are left
out, and removed where idle scopes are asked for.

KEYS: 1 scopes
ARGV: 1 most scopes to name, 2 longest name, 3 only those announced before this many ms ago (empty: all)

Replies: ms of Redis TIME, number of scopes there are, number of names left out, list of name, ms of Redis TIME
]]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local to = '+inf'
if ARGV[3] ~= '' then to = '(' .. string.format('%.0f', now - tonumber(ARGV[3])) end
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', to, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
local scopes, refused = {}, 0
for i = 1, #found, 2 do
  if #found[i] == 0 or #found[i] > tonumber(ARGV[2]) or string.find(found[i], '[^\33-\126]') then
    refused = refused + 1
    if ARGV[3] ~= '' then redis.call('ZREM', KEYS[1], found[i]) end
  else
    scopes[#scopes + 1] = found[i]
    scopes[#scopes + 1] = tonumber(found[i + 1])
  end
end
return { now, redis.call('ZCARD', KEYS[1]), refused, scopes }
