-- What every load prints at its end, for ovation_bench/wrk.py to read. Latencies are milliseconds.

function done(summary, latency, requests)
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status
    + summary.errors.timeout
  io.write(string.format("RESULT %d %.6f %.3f %.3f %.3f %.3f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000,
    latency.max / 1000, errors))
  if threads and threads[1] then io.write("PROFILES " .. (threads[1]:get("sample") or "") .. "\n") end
end
