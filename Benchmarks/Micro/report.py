"""Prints what the micro-benchmarks measured, and writes it to micro.json: see Benchmarks/README.md for the figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# How often one iteration does its work, and how many events are in it: see Parts.swift.
SHAPES = {
    "decode-1": (1000, 1), "decode-100": (10, 100),
    "foundation-1": (100, 1), "foundation-100": (1, 100),
    "foundation-times-by-hand-1": (100, 1), "foundation-times-by-hand-100": (1, 100),
    "timestamp": (1000, 0), "path": (1000, 0), "token": (1000, 0), "post": (1000, 1),
    "append-1": (1, 1), "append-64": (1, 64),
}  # fmt: skip


def figures(times: dict[str, float]) -> dict[str, float]:
    """From nanoseconds of each operation, as far as they were measured."""
    found: dict[str, float] = {}

    def add(key: str, *needed: str, value) -> None:  # noqa: ANN001
        if all(name in times for name in needed):
            found[key] = value(*(times[name] for name in needed))

    add("decode_validate_per_s", "decode-100", value=lambda time: 100e9 / time)
    add("decode_validate_single_per_s", "decode-1", value=lambda time: 1e9 / time)
    add("foundation_per_s", "foundation-100", value=lambda time: 100e9 / time)
    add("foundation_single_per_s", "foundation-1", value=lambda time: 1e9 / time)
    add("foundation_times_by_hand_per_s", "foundation-times-by-hand-100", value=lambda time: 100e9 / time)
    add("token_ns", "token", value=lambda time: time)
    add("timestamp_ns", "timestamp", value=lambda time: time)
    add("path_ns", "path", value=lambda time: time)
    add("post_ns", "post", value=lambda time: time)
    add("overhead_ns", "post", "decode-1", value=lambda post, decode: post - decode)
    add("append_1_per_s", "append-1", value=lambda time: 1e9 / time)
    add("append_64_per_s", "append-64", value=lambda time: 64e9 / time)
    return {key: round(value, 1) for key, value in found.items()}


def main() -> None:
    folder = Path(sys.argv[1])
    results = [entry for path in folder.glob("*.jmh.json") for entry in json.loads(path.read_text())]
    medians: dict[str, float] = {}
    best: dict[str, float] = {}
    print(f"{'':<30} {'median':>12} {'fastest':>12} {'p99':>12}   nanoseconds each")
    for name, (repeats, _) in SHAPES.items():
        found = [entry for entry in results if entry["benchmark"].endswith("." + name)]
        if not found:
            continue
        # In microseconds for a whole iteration.
        clock = found[0]["secondaryMetrics"]["Time (wall clock)"]["scorePercentiles"]
        median, fastest, worst = (clock[key] * 1000 / repeats for key in ("50.0", "0.0", "99.0"))
        medians[name] = median
        best[name] = fastest
        print(f"{name:<30} {median:>12,.1f} {fastest:>12,.1f} {worst:>12,.1f}")
    summary, fastest = figures(medians), figures(best)
    print(f"\n{'':<32} {'median':>14} {'fastest':>14}")
    for key, value in summary.items():
        print(f"{key:<32} {value:>14,.1f} {fastest[key]:>14,.1f}")
    for opponent in ("foundation_per_s", "foundation_times_by_hand_per_s"):
        if "decode_validate_per_s" in summary and opponent in summary:
            ratios = (found["decode_validate_per_s"] / found[opponent] for found in (summary, fastest))
            print("decode_validate_per_s ÷ {}: {:.1f}, of the fastest {:.1f}".format(opponent, *ratios))
    (folder / "micro.json").write_text(json.dumps(summary | {"fastest": fastest}, indent=2) + "\n")


main()
