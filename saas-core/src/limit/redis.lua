-- Counts one request by each rule, up to the first that refuses it. What a window is stands in window.rs too, and must be the same in both.
-- KEYS: one for each rule. ARGV: for each its limit and its window in microseconds.
-- Answers, for each rule that was asked: remaining, reset and, if it refuses, the wait, both in microseconds; a wait of -1 is none.
local time = redis.call('time')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local SLOTS = 60
local answer = {}
for i, key in ipairs(KEYS) do
    local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local width = math.ceil(window / SLOTS)
    local slot = math.floor(now / width)
    local used, slots, newest = 0, {}, slot
    local fields = redis.call('hgetall', key)
    for f = 1, #fields, 2 do
        local at, count = tonumber(fields[f]), tonumber(fields[f + 1])
        if at < slot - SLOTS then
            redis.call('hdel', key, fields[f])
        else
            if at > slot then
                -- The clock jumped back. What was counted in a time to come counts now, and is over a window from now.
                redis.call('hdel', key, fields[f])
                redis.call('hincrby', key, slot, count)
                at = slot
            end
            used = used + count
            slots[at] = (slots[at] or 0) + count
        end
    end
    local function passed(at)
        return (at + SLOTS + 1) * width - now
    end
    local wait = -1
    if used < limit then
        redis.call('hincrby', key, slot, 1)
        redis.call('pexpire', key, math.ceil(passed(slot) / 1000))
        used = used + 1
    else
        local order = {}
        for at in pairs(slots) do order[#order + 1] = at end
        table.sort(order)
        local left = used
        for _, at in ipairs(order) do
            left = left - slots[at]
            if left < limit then
                wait = passed(at)
                break
            end
        end
        newest = order[#order]
    end
    answer[i] = { math.max(limit - used, 0), passed(newest), wait }
    if wait >= 0 then break end
end
return answer
