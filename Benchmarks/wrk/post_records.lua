-- wrk: the same events as records of PocketBase, one by one or ITEMS in one batch.
-- Environment: ITEMS, PROFILES, SEED; SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local items = tonumber(os.getenv("ITEMS") or "1")
local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local headers = { ["content-type"] = "application/json" }
local records = "/api/collections/events/records"

-- PROFILE stands for the key.
local record = '{"profile":"PROFILE","section":"usercreated.sections.my_section-h4h3dpu3qi",'
  .. '"event_time":"%s.%03dZ","version":2565266,"myNumberField":27183,"myNumberWithDecimalField":213.21,'
  .. '"myTextField":"some transaction","myTrueFalseField":false,"source":"some web shop"}'
local year_begins, year = 1735689600, 365 * 86400 -- 2025

local bodies = {}
local function make_bodies()
  for index = 1, 64 do
    local list, start = {}, year_begins + math.random(year)
    for item = 1, items do
      local body = string.format(record, os.date("!%Y-%m-%d %H:%M:%S", start + item), math.random(0, 999))
      list[item] = items == 1 and body or '{"method":"POST","url":"' .. records .. '","body":' .. body .. "}"
    end
    bodies[index] = items == 1 and list[1] or '{"requests":[' .. table.concat(list, ",") .. "]}"
  end
end

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919 + 1)
  make_bodies()
end

function request()
  local key = "p" .. math.random(profiles) .. "@example.com"
  local body = bodies[math.random(#bodies)]:gsub("PROFILE", key)
  return wrk.format("POST", items == 1 and records or "/api/batch", headers, body)
end
