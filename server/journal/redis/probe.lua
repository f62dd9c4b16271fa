-- Writes a little, and is as long as an append: a Redis that is nearly full refuses it, too. What is written vanishes.
-- KEYS  probe      ARGV  who asks, milliseconds it stays, padding
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
