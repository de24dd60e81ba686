-- wrk: reads one page of a random one of PROFILES profiles; of profile PROFILE where that is set.
-- Environment: TOKEN, PATH_FORMAT (with %s for the profile), PROFILES, PROFILE, SEED; SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local fixed = os.getenv("PROFILE")
local path = os.getenv("PATH_FORMAT")
local headers = { ["authorization"] = "Bearer " .. (os.getenv("TOKEN") or "") }

function init(args)
  math.randomseed(tonumber(os.getenv("SEED") or "1") * 7919)
end

function request()
  return wrk.format("GET", string.format(path, fixed or "p" .. math.random(profiles)), headers)
end
