-- Begins anew with what a node knows of accounts, where nothing is kept.
-- KEYS  fields, changes      ARGV  mark, then field and text for each
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[2], string.match(ARGV[1], '^%d+') .. '-0', 'mark', ARGV[1], 'fields', '[]')
redis.call('HSET', KEYS[1], 'mark', ARGV[1])
for at = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
return 1
