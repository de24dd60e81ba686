-- wrk: posts of one point in InfluxDB's line protocol, each of a random one of PROFILES profiles.
-- Environment: PROFILES, SEED; SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local fields = ' version_id=2565266i,myNumberField=27183i,myNumberWithDecimalField=213.21,'
  .. 'myTextField="some transaction",myTrueFalseField=false,source="some web shop" '

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919)
end

function request()
  local time = 1735689600000 + math.random(31536000) * 1000 + math.random(0, 999)
  return wrk.format("POST", "/write?db=bench&precision=ms", nil, "events,profile=p" .. math.random(profiles) .. fields .. time)
end
