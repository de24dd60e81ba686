-- wrk: posts of ITEMS events, each post to a random one of PROFILES profiles.
-- Environment: TOKEN, PATH_FORMAT (with %d for the profile), ITEMS, PROFILES.

local items = tonumber(os.getenv("ITEMS") or "1")
local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local path = os.getenv("PATH_FORMAT")
local headers = { ["authorization"] = "Bearer " .. (os.getenv("TOKEN") or ""), ["content-type"] = "application/json" }

local event = '{"event_time":"2020-10-14T09:43:34.471Z","version_id":2565266,"data":{"myNumberField":27183,'
  .. '"myNumberWithDecimalField":213.21,"myTextField":"some transaction","myTrueFalseField":false,'
  .. '"source":"some web shop"}}'
local list = {}
for index = 1, items do list[index] = event end
local body = '{"items":[' .. table.concat(list, ",") .. ']}'

local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(args)
  math.randomseed(seed * 7919)
end

function request()
  return wrk.format("POST", string.format(path, math.random(profiles)), headers, body)
end

function done(summary, latency, requests)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout
  io.write(string.format("RESULT %.1f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, errors))
end
