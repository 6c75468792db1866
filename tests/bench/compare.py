"""Ranvier beside its peers, in turn, pair by pair: ratios of the speed of one training step.

Usage: compare.py BUILD --python PYTHON [--data DIR] [--cases a,b] [--peers pytorch,norse=PYTHON] [--pairs 5]
                  [--threads 2] [--seconds 2] [--out TABLE.md] [--check]
Peers: pytorch (fused by hand, eager or compiled), pytorch-sparse (the same with its input as CSR matrices),
spikingjelly, snntorch, norse; NAME=PYTHON gives a peer an interpreter of its own. All of them train on what
ours exports. Each setting of a peer is tried once, the fastest goes into the pairs. Machines are shared and
noisy: the ratio of a pair counts, not the times. --check instead takes one step of a fresh network with
PyTorch and compares.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = {
    "pytorch": ("pytorch-step.py", ("eager", "compiled")),
    "pytorch-modules": ("pytorch-step.py", ("eager",)),  # RNN, LSTM and GRU
    "pytorch-sparse": ("pytorch-step.py", ("sparse", "sparse-compiled")),
    "spikingjelly": ("spikingjelly-step.py", ("eager",)),
    "snntorch": ("snntorch-step.py", ("eager",)),
    "norse": ("norse-step.py", ("eager",)),
}
# So that glibc keeps what is freed and asks for large pages: otherwise each large tensor is given back and
# taken anew, which costs PyTorch up to half of its speed. Other libraries ignore it.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36),
               "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


class Failed(Exception):
    pass


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder that meson built in")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has PyTorch")
    parser.add_argument("--data", default=os.environ.get("RANVIER_TEST_DATA"), help="folder of the data sets")
    parser.add_argument("--cases", help="which, with commas; all")
    parser.add_argument("--peers", default="pytorch", help="which, with commas")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each run measures, at least")
    parser.add_argument("--waits", default="active,passive",
                        help="how idle threads of a peer wait, with commas; each way is tried first")
    parser.add_argument("--out", help="a file for the table")
    parser.add_argument("--check", action="store_true", help="is it the same step? fresh networks, no times")
    options = parser.parse_args()
    options.peers = dict(peer.partition("=")[::2] for peer in options.peers.split(","))
    unknown = [peer for peer in options.peers if peer not in PEERS]
    if unknown:
        parser.error(f"there is no peer {unknown[0]}; there are {', '.join(PEERS)}")
    options.bench = os.path.join(options.build, "tests", "bench-step")
    options.cases = options.cases.split(",") if options.cases else run([options.bench, "--list"]).split()
    return options


def run(command, **environment):
    """What a command prints; the environment is the user's, but for how idle threads wait."""
    plain = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    done = subprocess.run(command, capture_output=True, text=True, env=dict(plain, **environment))
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Failed(f"{os.path.basename(command[0])} failed: {lines[-1] if lines else done.returncode}")
    return done.stdout


def ours(options, case, *more):
    """Our side, which sets for itself how its threads wait, as the program does."""
    command = [options.bench, "--case", case, "--threads", str(options.threads), *more]
    if options.data:
        command += ["--data", options.data]
    return run(command, RANVIER_PLUGIN_PATH=os.path.join(options.build, "plugins"))


def theirs(options, peer, case, folder, setting, seconds):
    mode, threads, wait = setting
    command = [options.peers[peer] or options.python, "-W", "ignore", os.path.join(HERE, PEERS[peer][0]),
               case, folder, "--mode", mode, "--threads", str(threads), "--seconds", str(seconds)]
    waiting = {"OMP_WAIT_POLICY": wait} if wait else {}
    return json.loads(run(command, **KEEP_MEMORY, **waiting).splitlines()[-1])


def name_of(setting):
    mode, threads, wait = setting
    return f"{mode}, {threads} thread{'s' if threads > 1 else ''}" + (f", {wait}" if wait else "")


def best_setting(options, peer, case, folder):
    """What had the fastest single step, since others may be at work on the machine."""
    waits = [(options.threads, wait) for wait in options.waits.split(",") if options.threads > 1]
    if len(waits) != 1:
        waits.append((1, None))
    tried = {}
    for setting in [(mode, *wait) for mode in PEERS[peer][1] for wait in waits]:
        tried[setting] = theirs(options, peer, case, folder, setting, options.seconds / 2)["ms_least"]
        print(f"  {peer}, {name_of(setting)}: {tried[setting]:.1f} ms a step", flush=True)
    return min(tried, key=tried.get)


def compare(options, case, folder):
    """One line of the table for each peer."""
    ours(options, case, "--export", folder)
    settings = {}
    for peer in options.peers:
        try:
            settings[peer] = best_setting(options, peer, case, folder)
        except Failed as problem:
            print(f"  {peer}: {problem}", flush=True)
            options.failed = True
    pairs = {peer: [] for peer in settings}
    for number in range(options.pairs):
        for peer, setting in settings.items():
            left = json.loads(ours(options, case, "--json", "--seconds", str(options.seconds),
                                   "--weights", folder))
            right = theirs(options, peer, case, folder, setting, options.seconds)
            pairs[peer].append((left, right))
            print(f"  pair {number + 1}: {left['samples_per_second']:.0f} samples/s, {peer} "
                  f"{right['samples_per_second']:.0f}: {ratio((left, right)):.1f} x", flush=True)
    return [summary(case, peer, settings[peer], pairs[peer]) for peer in pairs]


def ratio(pair):
    return pair[0]["samples_per_second"] / pair[1]["samples_per_second"]


def middle(pairs, side, field):
    return statistics.median(pair[side][field] for pair in pairs)


def number(value):
    """Three digits, no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def summary(case, peer, setting, pairs):
    ratios = [ratio(pair) for pair in pairs]
    left = pairs[0][0]
    firing = ", ".join(f"{100 * rate:.0f} %" for rate in left["firing"])
    row = {
        "case": case,
        "data": left["data"],
        "density": f"{100 * left['density']:.2f} %",
        "firing": firing,
        "peer": f"{peer} ({name_of(setting)})",
        "ours": f"{number(middle(pairs, 0, 'samples_per_second'))}",
        "theirs": f"{number(middle(pairs, 1, 'samples_per_second'))}",
        "ratio": f"**{statistics.median(ratios):.1f}** [{min(ratios):.1f} to {max(ratios):.1f}]",
        "limit": f"{middle(pairs, 0, 'share_of_limit') * 100:.0f} %",
        "memory": f"{middle(pairs, 0, 'peak_mb'):.0f} / {middle(pairs, 1, 'peak_mb'):.0f}",
    }
    versions = {name: value for name, value in pairs[0][1].items() if name in ("python", "torch", *PEERS)}
    print(f"  {case}, {row['peer']}: {row['ratio']} x, {len(pairs)} pairs; memory {row['memory']} MB",
          flush=True)
    return row, left, versions


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0]}, {len(names)} processors" if names else platform.machine()


def table(options, rows):
    """Markdown, with what stands behind the numbers above it."""
    versions = {}
    for _, _, found in rows:
        versions.update(found)
    left = rows[0][1]
    lines = [
        f"{processor()}; {left['threads']:.0f} threads, our kernels {left['isa']}; {options.pairs} pairs; "
        + ", ".join(f"{name} {value}" for name, value in versions.items()) + ".",
        "",
        "| case | inputs not zero | hidden firing | peer | our samples/s | of the limit | its samples/s | ratio | "
        "peak memory, MB |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row, _, _ in rows:
        lines.append("| " + " | ".join(row[name] for name in (
            "case", "density", "firing", "peer", "ours", "limit", "theirs", "ratio", "memory")) + " |")
    recordings = sorted({f"{row['case']}: {row['data']}" for row, _, _ in rows})
    lines += ["", "Recordings: " + "; ".join(recordings) + "."]
    return "\n".join(lines) + "\n"


def check(options, case, folder):
    """The sparse product sums in the order in which ours does."""
    ours(options, case, "--export", folder, "--warm", "0")
    print(run([options.python, "-W", "ignore", os.path.join(HERE, "pytorch-step.py"), case, folder, "--mode",
               "sparse", "--check"]), end="", flush=True)


def main():
    options = arguments()
    options.failed = False
    rows = []
    for case in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            print(case, flush=True)
            try:
                if options.check:
                    check(options, case, folder)
                else:
                    rows += compare(options, case, folder)
            except Failed as problem:
                print(f"  {problem}", flush=True)
                options.failed = True
        if rows and options.out:
            with open(options.out, "w") as file:    # after each case, so that a run may be stopped
                file.write(table(options, rows))
    if rows:
        print("\n" + table(options, rows))
    sys.exit(1 if options.failed else 0)


if __name__ == "__main__":
    main()
