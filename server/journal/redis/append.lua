-- Keeps changes, and shows the live tickets they lead to, all in one step; or says why not, and touches nothing.
--
-- KEYS     owner, changes, then the key of each command of the mirror
-- ARGV     epoch, owner, the append's name, '1' to leave a write behind in any case, count,
--          seq, '1' where it opens a day, body      for each change
--          command, count, arguments                for each command of the mirror
-- answers  {'kept', what went wrong with the mirror or ''}, {'deposed'}, {'order', last, found}
local epoch, count = ARGV[1], tonumber(ARGV[5])
local first_entry, first_command = 6, 6 + 3 * count

-- Whether this very append was kept before and only its answer was lost: its last entry bears its name.
local function is_kept()
  if count == 0 then return false end
  local id = epoch .. '-' .. ARGV[first_command - 3]
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  if not entry then return false end
  for field = 1, #entry[2], 2 do
    if entry[2][field] == 'append' then return entry[2][field + 1] == ARGV[3] end
  end
  return false
end

local function refuse(answer)
  if not is_kept() then return answer end
  -- WAIT waits for the last write of its connection: a repeat on a new connection needs one.
  if ARGV[4] == '1' then redis.call('HINCRBY', KEYS[1], 'repeats', 1) end
  return { 'kept', '' }
end

local owner = redis.call('HMGET', KEYS[1], 'epoch', 'owner')
if owner[1] ~= epoch or owner[2] ~= ARGV[2] then return refuse({ 'deposed' }) end

local last = '0'
local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if top then
  last = string.match(top[1], '-(%d+)$')
elseif redis.call('EXISTS', KEYS[2]) == 1 then
  -- Trimmed to nothing: the stream itself remembers.
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for field = 1, #info, 2 do
    if info[field] == 'last-generated-id' then last = string.match(info[field + 1], '-(%d+)$') end
  end
end
if not top and last == '0' and count > 0 and ARGV[first_entry + 1] == '1' then
  -- A history may begin with any day: what came before is kept elsewhere.
  last = string.format('%.0f', tonumber(ARGV[first_entry]) - 1)
end
for entry = first_entry, first_command - 1, 3 do
  local seq = ARGV[entry]
  if tonumber(seq) ~= tonumber(last) + 1 then return refuse({ 'order', last, seq }) end
  last = seq
end

-- The first write is one that Redis refuses when it is full: then nothing at all was written.
for entry = first_entry, first_command - 1, 3 do
  local fields = { 'change', ARGV[entry + 2] }
  if ARGV[entry + 1] == '1' then
    fields[#fields + 1] = 'opens_day'
    fields[#fields + 1] = '1'
  end
  if entry == first_command - 3 then
    fields[#fields + 1] = 'append'
    fields[#fields + 1] = ARGV[3]
  end
  redis.call('XADD', KEYS[2], epoch .. '-' .. ARGV[entry], unpack(fields))
end

-- What is shown may go wrong, say because somebody put another thing under its key: the changes stand.
local wrong, key, argument = '', 3, first_command
while argument <= #ARGV do
  local args = tonumber(ARGV[argument + 1])
  local answer = redis.pcall(ARGV[argument], KEYS[key], unpack(ARGV, argument + 2, argument + 1 + args))
  if type(answer) == 'table' and answer.err then wrong = answer.err end
  key, argument = key + 1, argument + 2 + args
end
return { 'kept', wrong }
