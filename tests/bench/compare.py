"""Ranvier beside PyTorch, in turn, pair by pair: ratios of one training step.

Usage: compare.py BUILD_FOLDER PYTHON_WITH_TORCH [PAIRS] [THREADS]
Prints every pair, and the median ratio with its spread. Machines are shared and noisy: the ratio counts, not the times.
"""

import os
import re
import statistics
import subprocess
import sys


def steps(command, environment=None):
    """Milliseconds per step by case, from the first number before ' ms a step' of each line."""
    text = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = re.findall(r"^(\w+)[^\n]*?([\d.]+) ms a step", text, re.M)
    return {name.lower(): float(number) for name, number in found}


def main():
    build, python = sys.argv[1:3]
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    threads = sys.argv[4] if len(sys.argv) > 4 else "2"
    here = os.path.dirname(os.path.abspath(__file__))
    # ours waits as the program does, PyTorch as its users have it, which is its fastest on an idle machine
    plain = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    plugins = dict(plain, RANVIER_PLUGIN_PATH=os.path.join(build, "plugins"), OMP_WAIT_POLICY="passive")
    ratios = {}
    for pair in range(pairs):
        ours = steps([os.path.join(build, "tests", "bench-step"), threads], plugins)
        theirs = steps([python, os.path.join(here, "pytorch-step.py"), "10", threads], plain)
        if not set(ours) & set(theirs):
            sys.exit(f"the two programs share no case: {sorted(ours)} and {sorted(theirs)}")
        for case in sorted(set(ours) & set(theirs)):
            ratios.setdefault(case, []).append(theirs[case] / ours[case])
            print(f"pair {pair + 1} {case}: {ours[case]:.2f} ms, PyTorch {theirs[case]:.2f} ms, "
                  f"{ratios[case][-1]:.1f} x", flush=True)
    for case, values in ratios.items():
        print(f"{case}: median {statistics.median(values):.1f} x [{min(values):.1f} to {max(values):.1f}], "
              f"{pairs} pairs, {threads} threads")


if __name__ == "__main__":
    main()
