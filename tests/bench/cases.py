"""What the peers' scripts share: a case as bench-step exported it, and the clock.

`bench-step --case NAME --export DIR` leaves NAME.json and NAME-data, -start, -gradient and -after .npz.
Every script takes the same arguments (--help), trains on the same recordings and prints one JSON object.
"""

import argparse
import json
import os
import platform
import statistics
import time
from types import SimpleNamespace

import numpy
import torch

STEPS = 5           # the fewest that are timed


def arguments(*modes):
    """The command line; the modes are ways in which a script can run, the first is the usual one."""
    parser = argparse.ArgumentParser(description="One peer's training step on one case.")
    parser.add_argument("case", help="which case")
    parser.add_argument("folder", help="what bench-step exported")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure, at least")
    parser.add_argument("--mode", choices=modes, default=modes[0], help="how to run")
    parser.add_argument("--check", action="store_true", help="compare one step with ours, measure nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)      # a peer at its best; before any thread is made, so that all have it
    torch.manual_seed(1)
    return options


def read(options):
    """The case: what its JSON says, x [T][B][N] (a still image: [1][B][N]), labels, and weights by name."""
    base = os.path.join(options.folder, options.case)
    with open(base + ".json") as file:
        case = SimpleNamespace(**json.load(file))
    data = numpy.load(base + "-data.npz")
    case.labels = torch.from_numpy(data["labels"].astype(numpy.int64))
    still = getattr(case, "static")
    shape = (1 if still else case.steps, case.batch, case.inputs)
    if "counts" in data:
        case.x = torch.zeros(shape)
        steps = numpy.repeat(numpy.arange(case.batch * case.steps), data["counts"].astype(numpy.int64))
        places = (steps % case.steps * case.batch + steps // case.steps) * case.inputs
        places += data["ids"].astype(numpy.int64)
        case.x.view(-1).index_add_(0, torch.from_numpy(places), torch.ones(len(places)))
    else:
        case.x = torch.from_numpy(data["values"]).view(case.batch, -1, case.inputs)
        case.x = case.x.transpose(0, 1).contiguous()
    case.weights = weights(base + "-start.npz")
    return case


def weights(path):
    return {name: torch.from_numpy(value) for name, value in numpy.load(path).items()}


def linear(case, layer, scale=None):
    """A Linear with a layer's first weights, its rows times `scale`."""
    weight, bias = case.weights[f"network.{layer}.weight"], case.weights[f"network.{layer}.bias"]
    made = torch.nn.Linear(weight.shape[1], weight.shape[0])
    scale = torch.ones(len(bias)) if scale is None else scale
    with torch.no_grad():
        made.weight.copy_(weight * scale[:, None])
        made.bias.copy_(bias * scale)
    return made


def leaks(case, layer):
    """A layer's leaks, [N]."""
    raw = case.weights.get(f"network.{layer}.neuron.leak")
    return torch.sigmoid(raw) if raw is not None else torch.full((case.units[layer],), 0.3)


def currents(case, layer, x):
    """What a layer gets at each step, [T][B][N], from one product; a still image is multiplied once."""
    return layer(x).expand(case.steps, -1, -1) if len(x) == 1 else layer(x)


def memory(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


def loss_of(case, out):
    """The case's loss from what the readout hands on, [T][B][classes]."""
    if case.readout in ("mean", "last"):
        return torch.nn.functional.cross_entropy(out.mean(0) if case.readout == "mean" else out[-1], case.labels)
    # XOR: softmax twice and the sum over the last nine steps, as the published code has it
    p = torch.softmax(out[-9:].reshape(-1, out.shape[-1]), 1)
    return 9 * torch.nn.functional.cross_entropy(p, case.labels.repeat(9))


def train(options, case, parameters, forward, **more):
    """Measures steps of `forward`, which makes [T][B][classes] of nothing: its loss, back through it, Adam in
    its fused form. The rate is too small to move anything, so that every step does the same work."""
    optimizer = torch.optim.Adam(list(parameters), lr=case.rate * 1e-4, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(case, forward())
        loss.backward()
        optimizer.step()
        return loss
    measure(options, case, step, **more)


def measure(options, case, step, **more):
    """Times `step` and prints what came of it; `more` is printed along, the versions for instance."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")                 # from here on the kernel counts the peak anew
    base = memory("VmRSS")
    began = time.perf_counter()
    loss = [float(step().detach()) for _ in range(2)][0]
    warm = time.perf_counter() - began  # with it, what a compiler took
    times, work = [], time.process_time()
    while len(times) < STEPS or sum(times) < options.seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    work = (time.process_time() - work) / len(times)    # of all threads, with what they wait for one another
    median = statistics.median(times)
    print(json.dumps({
        "case": options.case, "mode": options.mode, "samples_per_second": case.batch / median,
        "ms": median * 1000, "ms_least": min(times) * 1000, "ms_most": max(times) * 1000, "processor_ms": work * 1000,
        "threads": torch.get_num_threads(), "base_mb": base, "peak_mb": memory("VmHWM"), "loss": loss,
        "warm_seconds": warm, "python": platform.python_version(), "torch": torch.__version__, **more}))


def relative(found, wanted):
    """How far one tensor is from another: the norm of the difference over the norm."""
    return float((found - wanted).norm() / wanted.norm().clamp_min(1e-30))
