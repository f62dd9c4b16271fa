-- Looks for changes that open a day, a stretch of the stream at a time, so that nobody else waits for long.
-- KEYS  changes      ARGV  from this id, at most so many entries      answers  {where to go on or '', seq, seq …}
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
local answer = { '' }
for _, entry in ipairs(entries) do
  for field = 1, #entry[2], 2 do
    if entry[2][field] == 'opens_day' then answer[#answer + 1] = string.match(entry[1], '-(%d+)$') end
  end
end
if #entries == tonumber(ARGV[2]) then answer[1] = '(' .. entries[#entries][1] end
return answer
