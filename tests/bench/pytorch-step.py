"""A training step in PyTorch, fused by hand: what Ranvier's speed is compared with.

The same networks, neurons, slopes and losses as ours: --check takes one step from the same weights and
compares loss, gradients and what Adam made of the weights. The layers are in fused.py. Modes: eager and
compiled; sparse and sparse-compiled take the input as CSR matrices, made outside the clock as the dense
tensors are. RNN, LSTM and GRU are PyTorch's own modules, eager.
Usage: pytorch-step.py CASE EXPORTED_FOLDER [--mode MODE] [--threads N] [--check]
"""

import sys

import torch

import cases
import fused


class Network:
    def __init__(self, case, mode):
        self.case = case
        self.parameters = {name: torch.nn.Parameter(value) for name, value in case.weights.items()}
        self.leaks = [p for name, p in self.parameters.items() if name.endswith("leak")]
        self.plain = [p for name, p in self.parameters.items() if not name.endswith("leak")]
        self.neurons = (fused.Compiled if "compiled" in mode else fused.Eager)(case.neurons == "temporal")
        self.first = fused.Input(case.x, "sparse" in mode)
        case.x = None

    def forward(self):
        """What the readout hands on, [T][B][classes]."""
        x, last = torch.empty(0), len(self.case.units) - 1
        for layer in range(last + 1):
            w, b, v, tau = (self.parameters.get(f"network.{layer}.{part}")
                            for part in ("weight", "bias", "recurrent", "neuron.leak"))
            k = torch.sigmoid(tau) if tau is not None else torch.tensor(0.3)
            if layer == last and self.neurons.temporal:
                x = fused.Integrator.apply(x, w, b, k, self.neurons)
            else:
                first = None if layer else self.first
                x = fused.Layer.apply(x, w, b, k, v, first, self.neurons, self.case.steps)
        return x


class Gated:
    """torch.nn.RNN, LSTM or GRU with a linear readout of the last step."""

    names = {"weight_ih_l0": "weight", "weight_hh_l0": "recurrent", "bias_ih_l0": "bias",
             "bias_hh_l0": "recurrent-bias"}

    def __init__(self, case, mode):
        if mode != "eager":
            sys.exit("RNN, LSTM and GRU are eager")
        self.cell = getattr(torch.nn, case.cell.upper())(case.inputs, case.units[0])
        self.readout = cases.linear(case, 1)
        self.x = case.x
        self.parameters = {f"network.0.{self.names[name]}": p for name, p in self.cell.named_parameters()}
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(case.weights[name])
        self.parameters |= {f"network.1.{name}": p for name, p in self.readout.named_parameters()}
        self.plain, self.leaks = list(self.parameters.values()), []

    def forward(self):
        return self.readout(self.cell(self.x)[0][-1:])


def check(options, case, network):
    """One step from the same weights: whether loss, gradients and weights are ours."""
    base = f"{options.folder}/{options.case}"
    gradient, after = cases.weights(base + "-gradient.npz"), cases.weights(base + "-after.npz")
    groups = [{"params": network.plain, "lr": case.rate}, {"params": network.leaks, "lr": case.leak_rate}]
    optimizer = torch.optim.Adam([group for group in groups if group["params"]], fused=True)
    loss = cases.loss_of(case, network.forward())
    loss.backward()
    optimizer.step()
    apart = {"loss": abs(float(loss.detach()) - case.loss) / abs(case.loss)}
    for name, parameter in network.parameters.items():
        apart[f"dL/d {name}"] = cases.relative(parameter.grad, gradient[name])
        apart[name] = cases.relative(parameter.detach(), after[name])
    # sums over thousands of steps that nearly cancel leave a gradient fewer digits than the loss
    wrong = [what for what, far in apart.items() if not far < (1e-3 if what.startswith("dL/d") else 1e-4)]
    worst = max(apart, key=apart.get)
    verdict = "WRONG: " + ", ".join(wrong) if wrong else "the same step"
    print(f"{options.case}, {options.mode}: loss apart by {apart['loss']:.1e}; of {len(apart)} numbers and "
          f"tensors the worst, {worst}, by {apart[worst]:.1e}; {verdict}")
    return not wrong


def main():
    options = cases.arguments("eager", "compiled", "sparse", "sparse-compiled")
    case = cases.read(options)
    network = (Gated if case.cell else Network)(case, options.mode)
    if options.check:
        sys.exit(0 if check(options, case, network) else 1)
    cases.train(options, case, network.parameters.values(), network.forward)


if __name__ == "__main__":
    main()
