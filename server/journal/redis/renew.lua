-- Goes on holding leases.
-- KEYS  leases      ARGV  node, lease in milliseconds      answers  1 for each that is still this node's, else 0
local ours = {}
for at, key in ipairs(KEYS) do
  ours[at] = 0
  if redis.call('GET', key) == ARGV[1] then ours[at] = redis.call('PEXPIRE', key, ARGV[2]) end
end
return ours
