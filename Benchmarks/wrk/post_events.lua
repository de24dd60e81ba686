-- wrk: posts of ITEMS events, each post to a random one of PROFILES profiles.
-- Environment: TOKEN, PATH_FORMAT (with %d for the profile), ITEMS, PROFILES, SEED, PREFER (a header, left out without
-- it); SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local items = tonumber(os.getenv("ITEMS") or "1")
local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local path = os.getenv("PATH_FORMAT")
local headers = { ["authorization"] = "Bearer " .. (os.getenv("TOKEN") or ""), ["content-type"] = "application/json" }
headers["prefer"] = os.getenv("PREFER")

local event = '{"event_time":"%s.%03dZ","version_id":2565266,"data":{"myNumberField":27183,'
  .. '"myNumberWithDecimalField":213.21,"myTextField":"some transaction","myTrueFalseField":false,'
  .. '"source":"some web shop"}}'
local year_begins, year = 1735689600, 365 * 86400 -- 2025

-- Bodies are made beforehand, so that the client costs as little as it can: the same event at other times.
local bodies = {}
local function make_bodies()
  for index = 1, 64 do
    local list, start = {}, year_begins + math.random(year)
    for item = 1, items do
      list[item] = string.format(event, os.date("!%Y-%m-%dT%H:%M:%S", start + item), math.random(0, 999))
    end
    bodies[index] = '{"items":[' .. table.concat(list, ",") .. "]}"
  end
end

threads = {}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919 + number)
  make_bodies()
end

-- Some of the profiles that were posted to, for reading back: not the first, which wrk only looks at.
local count = 0
sample = ""
function request()
  local profile = math.random(profiles)
  count = count + 1
  if count > 5 and count <= 10 then sample = sample .. " " .. profile end
  return wrk.format("POST", string.format(path, profile), headers, bodies[math.random(#bodies)])
end
