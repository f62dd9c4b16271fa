-- Takes a lease that nobody has. Where nobody ever had one, as far as is known here, the venue is new, or everything was
-- forgotten: whoever holds it has one lease to say so before another may have it.
-- KEYS  lease, owner
-- ARGV  node, lease in milliseconds, '1' if it held the lease until now      answers  1 if it has it
local holder = redis.call('GET', KEYS[1])
if holder then return holder == ARGV[1] and 1 or 0 end
if ARGV[3] ~= '1' and redis.call('HEXISTS', KEYS[2], 'leased') == 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local free_from = redis.call('HGET', KEYS[2], 'free_from')
  if not free_from then
    redis.call('HSET', KEYS[2], 'free_from', string.format('%.0f', now + ARGV[2]))
    return 0
  end
  if now < tonumber(free_from) then return 0 end
end
redis.call('HSET', KEYS[2], 'leased', '1')
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
