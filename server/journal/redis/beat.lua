-- Says that a node is there, and which are. Redis's own clock says for how long.
-- KEYS  nodes      ARGV  name, node, lease in milliseconds      answers  the nodes
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now + ARGV[3]) .. ARGV[2])
local all, nodes = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #all, 2 do
  local until_ms, node = string.match(all[at + 1], '^(%d+) (.*)$')
  if until_ms and tonumber(until_ms) > now then
    nodes[#nodes + 1] = node
  else
    redis.call('HDEL', KEYS[1], all[at])
  end
end
return nodes
