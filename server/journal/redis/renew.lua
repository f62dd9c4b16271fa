-- Goes on holding a lease.
-- KEYS  lease      ARGV  node, lease in milliseconds      answers  1 if it is still this node's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
