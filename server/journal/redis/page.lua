-- Reads changes after a seq. Ids are <epoch>-<seq>, and both only ever rise, so the epoch in which the page begins is
-- found by halving.
-- KEYS  changes      ARGV  after this seq, at most so many      answers  entries, as XRANGE does
local function position(entry)
  local epoch, seq = string.match(entry[1], '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(seq)
end
local after = tonumber(ARGV[1])
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then return {} end
local low = position(first)
local high, last = position(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1])
if last <= after then return {} end
while low < high do
  local middle = math.floor((low + high) / 2)
  local _, seq = position(redis.call('XREVRANGE', KEYS[1], string.format('%.0f', middle), '-', 'COUNT', 1)[1])
  if seq > after then high = middle else low = middle + 1 end
end
return redis.call('XRANGE', KEYS[1], string.format('%.0f-%.0f', low, after + 1), '+', 'COUNT', ARGV[2])
