-- wrk: puts of one key each in etcd, through its gateway for JSON: a random one of PROFILES profiles, and a number.
-- Environment: PROFILES, SEED; SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local profiles = tonumber(os.getenv("PROFILES") or "1000000")
-- {"event_time":"2025-04-01T09:43:34.471Z","version_id":2565266,"data":{…}} of the article, as etcd takes bytes.
local value = "eyJldmVudF90aW1lIjoiMjAyNS0wNC0wMVQwOTo0MzozNC40NzFaIiwidmVyc2lvbl9pZCI6MjU2NTI2NiwiZGF0YSI6eyJteU51bWJlckZp"
  .. "ZWxkIjoyNzE4MywibXlOdW1iZXJXaXRoRGVjaW1hbEZpZWxkIjoyMTMuMjEsIm15VGV4dEZpZWxkIjoic29tZSB0cmFuc2FjdGlvbiIsIm15VHJ1ZUZh"
  .. "bHNlRmllbGQiOmZhbHNlLCJzb3VyY2UiOiJzb21lIHdlYiBzaG9wIn19"
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- Base64 of a text whose length is a multiple of three.
local function base64(text)
  local out = {}
  for first, second, third in text:gmatch("(.)(.)(.)") do
    local word = first:byte() * 65536 + second:byte() * 256 + third:byte()
    for shift = 3, 0, -1 do
      local index = math.floor(word / 64 ^ shift) % 64 + 1
      out[#out + 1] = letters:sub(index, index)
    end
  end
  return table.concat(out)
end

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919)
end

local count = 0
function request()
  count = count + 1
  local key = base64(string.format("p%07d/%09d", math.random(profiles), count))
  return wrk.format("POST", "/v3/kv/put", nil, '{"key":"' .. key .. '","value":"' .. value .. '"}')
end
