-- One order on Redis: items drawn from two random numbers, the nearest of 20
-- nodes that has both, decrement, one stream entry.  KEYS: none (one server).
local shape, n, m, phone = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local a
if shape == 'hot' then
	a = n % 100 < 80 and 1 or 2 + n % 999
elseif shape == 'zipf' then
	a = math.min(1000, math.floor(math.exp((n % 1000003) / 1000003 * math.log(1001))))
else
	a = 1 + n % 1000
end
local b = 501 + m % 500
if a == b then b = b == 1000 and 501 or b + 1 end
local s = redis.call('HMGET', 's' .. a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
local t = redis.call('HMGET', 's' .. b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
for node = 1, 20 do
	if tonumber(s[node]) >= 1 and tonumber(t[node]) >= 1 then
		redis.call('HINCRBY', 's' .. a, node, -1)
		redis.call('HINCRBY', 's' .. b, node, -1)
		return redis.call('XADD', 'orders', '*', 'phone', phone, 'pincode', '981001', 'a', a, 'b', b, 'node', node)
	end
end
return redis.error_reply('out of stock')
