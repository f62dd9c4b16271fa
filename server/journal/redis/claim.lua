-- Takes a venue over: the new epoch is above every one that was given out or written under.
-- KEYS  owner, changes      ARGV  who takes it, the newest epoch it has heard of      answers  the epoch
local epoch = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or 0), tonumber(ARGV[2]))
-- A replica that was promoted may have lost the owner's hash, or an epoch, and yet hold what was written under it.
local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if top then
  epoch = math.max(epoch, tonumber(string.match(top[1], '^(%d+)-')))
end
epoch = string.format('%.0f', epoch + 1)
redis.call('HSET', KEYS[1], 'epoch', epoch, 'owner', ARGV[1])
return epoch
