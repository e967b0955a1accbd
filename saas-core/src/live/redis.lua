-- Publishes for whoever has the turn, which a node takes when nobody has it.
-- KEYS: the turn. ARGV: who asks, for how many milliseconds the turn is its own from now on, the channel, and what is published.
-- Answers whether the turn is its own.
local whose = redis.call('get', KEYS[1])
if whose and whose ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
for i = 4, #ARGV do redis.call('publish', ARGV[3], ARGV[i]) end
return 1
