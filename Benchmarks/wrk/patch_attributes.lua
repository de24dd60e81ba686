-- wrk: sets three attributes of a profile with each request.
-- Environment: TOKEN, PATH_FORMAT (with %d for the profile), MEMBERS (the names of the three, separated by spaces),
-- PROFILES, SEED, FIRST (without it, random profiles; with it, one after the other from that one on); SCRIPTS is this
-- folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local path = os.getenv("PATH_FORMAT")
local first = tonumber(os.getenv("FIRST") or "")
local headers = { ["authorization"] = "Bearer " .. (os.getenv("TOKEN") or ""), ["content-type"] = "application/merge-patch+json" }
local members = {}
for member in os.getenv("MEMBERS"):gmatch("%S+") do members[#members + 1] = member end

threads = {}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919 + number)
end

-- Fifteen letters each, and so other values nearly every time.
local body = '{"' .. members[1] .. '":"first name %04d","' .. members[2] .. '":"last name %05d","' .. members[3]
  .. '":"%04d-%02d-%02d"}'
local count = 0
sample = ""
function request()
  count = count + 1
  local profile = first and (first + count - 2) % profiles + 1 or math.random(profiles)
  if count > 5 and count <= 10 then sample = sample .. " " .. profile end
  local text = string.format(body, math.random(0, 9999), math.random(0, 99999), math.random(1930, 2010),
    math.random(1, 12), math.random(1, 28))
  return wrk.format("PATCH", string.format(path, profile), headers, text)
end
