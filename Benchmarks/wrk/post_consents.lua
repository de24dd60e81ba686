-- wrk: opts in a profile with each request, each profile once, in the order of their numbers.
-- Environment: TOKEN, PATH_FORMAT (with %d for the profile), TOPIC, CHANNEL, PROFILES, FIRST (the number of the first
-- one); SCRIPTS is this folder.

dofile(os.getenv("SCRIPTS") .. "/result.lua")

local profiles = tonumber(os.getenv("PROFILES") or "1000000")
local path = os.getenv("PATH_FORMAT")
local first = tonumber(os.getenv("FIRST") or "1")
local headers = { ["authorization"] = "Bearer " .. (os.getenv("TOKEN") or ""), ["content-type"] = "application/json" }
local body = string.format('{"type":"opt-in","topic_discriminator":"%s","channel_discriminator":"%s",'
  .. '"reason":"Signed up at checkout.","source":"Shop"}', os.getenv("TOPIC"), os.getenv("CHANNEL"))

threads = {}
function setup(thread)
  table.insert(threads, thread)
end

-- Some of the profiles that opted in, for reading back: not the first, which wrk only looks at.
local count = 0
sample = ""
function request()
  local profile = (first + count - 1) % profiles + 1
  count = count + 1
  if count > 5 and count <= 10 then sample = sample .. " " .. profile end
  return wrk.format("POST", string.format(path, profile), headers, body)
end
