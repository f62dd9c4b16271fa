-- Changes what all nodes know of accounts, if nobody else has since.
-- KEYS     fields, changes
-- ARGV     the mark it was judged after, its own mark, the fields as text, changes kept, then field, '1' or '0', text
--          for each: '0' where the field is gone
-- answers  1 if it was made
local last = redis.call('HGET', KEYS[1], 'mark') or '0-'
if last ~= ARGV[1] then
  -- Made before, and only its answer was lost?
  local id = string.match(ARGV[2], '^%d+') .. '-0'
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  if not entry or entry[2][2] ~= ARGV[2] then return 0 end
  -- Whoever waits for replicas waits for the last write of its connection.
  redis.call('HSET', KEYS[1], 'mark', last)
  return 1
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], string.match(ARGV[2], '^%d+') .. '-0', 'mark', ARGV[2], 'fields', ARGV[3])
redis.call('HSET', KEYS[1], 'mark', ARGV[2])
for at = 5, #ARGV, 3 do
  if ARGV[at + 1] == '1' then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
  else
    redis.call('HDEL', KEYS[1], ARGV[at])
  end
end
return 1
