-- Forgets changes before a seq, a stretch at a time.
-- KEYS  changes      ARGV  before this seq, at most so many      answers  1 where there may be more, else 0
local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2] + 1)
for at, entry in ipairs(entries) do
  if tonumber(string.match(entry[1], '-(%d+)$')) >= tonumber(ARGV[1]) or at == #entries then
    redis.call('XTRIM', KEYS[1], 'MINID', entry[1])
    return at > tonumber(ARGV[2]) and 1 or 0
  end
end
return 0
