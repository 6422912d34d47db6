"""How the peers' side is timed and told: a line of JSON for each piece of work."""
import json
import time


def minimum(call, seconds=1.5, calls_at_least=5):
    """The least time of many calls, in µs."""
    call(), call()
    least, calls, started = float("inf"), 0, time.perf_counter()
    while calls < calls_at_least or (time.perf_counter() - started < seconds and calls < 5000):
        before = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - before)
        calls += 1
    return least * 1e6


def report(work, us, result=None):
    """Of work with a result, that too, for compare.py to hold against the other side's."""
    print(json.dumps({"work": work, "us": us, "result": result}), flush=True)
