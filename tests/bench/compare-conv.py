"""Convolutional networks beside PyTorch and SpikingJelly, in turn, pair by pair: ratios of the speed and of the peak
memory of one training step.

Usage: compare-conv.py BUILD --python PYTHON [--spikingjelly PYTHON] [--nets resnet18,vgg] [--batch 32] [--steps 4]
                       [--products float32,bfloat16] [--pairs 5] [--threads 2] [--seconds 10] [--out TABLE.md]
The peers are those of conv-step.py: torch is tried in each of its settings, the fastest goes into the pairs; its
own bfloat16 (autocast) is tried too. Machines are shared and noisy: the ratio of a pair counts, not the times.
"""

import argparse
import json
import os
import statistics
import sys

from compare import HERE, KEEP_MEMORY, Failed, processor, run



def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder that meson built in")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has PyTorch")
    parser.add_argument("--spikingjelly", help="an interpreter that has SpikingJelly")
    parser.add_argument("--nets", default="resnet18,vgg")
    parser.add_argument("--products", default="float32,bfloat16")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--settings", default="fused-last,fused-first,compiled-last,compiled-first",
                        help="torch's mode and layout, with commas")
    parser.add_argument("--out", help="a file for the table")
    return parser.parse_args()


def ours(options, net, products):
    command = [os.path.join(options.build, "tests", "bench-conv"), "--json", "--net", net, "--products", products,
               "--batch", str(options.batch), "--steps", str(options.steps), "--threads", str(options.threads),
               "--seconds", str(options.seconds)]
    return json.loads(run(command, RANVIER_PLUGIN_PATH=os.path.join(options.build, "plugins")))


def theirs(options, python, net, setting):
    command = [python, "-W", "ignore", os.path.join(HERE, "conv-step.py"), net, *setting, "--batch", str(options.batch),
               "--steps", str(options.steps), "--threads", str(options.threads), "--seconds", str(options.seconds)]
    return json.loads(run(command, OMP_WAIT_POLICY="active", **KEEP_MEMORY).splitlines()[-1])


def fastest(options, net, dtype):
    """Of torch's settings, by its fastest single step, since others may be at work on the machine."""
    tried = {}
    for setting in (word.split("-") for word in options.settings.split(",")):
        setting = ("--mode", setting[0], "--layout", setting[1])
        try:
            tried[setting] = theirs(options, options.python, net, (*setting, "--dtype", dtype))["ms_least"]
            print(f"  torch {dtype}, {' '.join(setting)}: {tried[setting]:.0f} ms a step", flush=True)
        except Failed as problem:
            print(f"  torch {dtype}, {' '.join(setting)}: {problem}", flush=True)
    return (*min(tried, key=tried.get), "--dtype", dtype)


def compare(options, net):
    peers = {f"torch {dtype}": (options.python, fastest(options, net, dtype)) for dtype in ("float32", "bfloat16")}
    if options.spikingjelly:
        peers["spikingjelly"] = (options.spikingjelly, ("--library", "spikingjelly"))
    products = options.products.split(",")
    found = {(mine, peer): [] for mine in products for peer in peers}
    for number in range(options.pairs):
        for peer, (python, setting) in peers.items():
            right = theirs(options, python, net, setting)
            for mine in products:
                left = ours(options, net, mine)
                found[mine, peer].append((left, right))
                print(f"  pair {number + 1}: {mine} {left['samples_per_second']:.1f} samples/s, {peer} "
                      f"{right['samples_per_second']:.1f}", flush=True)
    return [row(options, net, mine, peer, peers[peer][1], pairs) for (mine, peer), pairs in found.items()]


def row(options, net, mine, peer, setting, pairs):
    speed = [left["samples_per_second"] / right["samples_per_second"] for left, right in pairs]
    middle = [statistics.median(pair[side]["samples_per_second"] for pair in pairs) for side in (0, 1)]
    memory = [statistics.median(pair[side]["peak_mb"] for pair in pairs) for side in (0, 1)]
    how = " ".join(word for word in setting if not word.startswith("--") and word not in ("float32", "bfloat16"))
    return (f"| {net} | {mine} | {peer} ({how}) | {middle[0]:.1f} | {middle[1]:.1f} | **{statistics.median(speed):.2f}** "
            f"[{min(speed):.2f} to {max(speed):.2f}] | {memory[0]:.0f} / {memory[1]:.0f} |")


def main():
    options = arguments()
    lines = [f"{processor()}; {options.threads} threads; batch {options.batch}, T = {options.steps}; {options.pairs} pairs.",
             "", "| network | our products | peer | our samples/s | its samples/s | ratio | peak memory, MB |",
             "| --- | --- | --- | ---: | ---: | ---: | ---: |"]
    for net in options.nets.split(","):
        print(net, flush=True)
        lines += compare(options, net)
        if options.out:
            with open(options.out, "w") as file:
                file.write("\n".join(lines) + "\n")
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
