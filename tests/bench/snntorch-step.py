"""A training step in snnTorch: Leaky and RLeaky in a loop over the steps, as its tutorials have it, but for
the Linear, which stands before the loop as one product over all steps: that is faster.

The neurons are ours (reset to zero, learned leaks one for each neuron), the input times 1 - leak is one
more product, and the slope is its usual arctangent. A recurrent layer resets by subtraction: to reset to
zero, RLeaky takes the recurrent product twice, and drops the input of the step behind a spike, which is
another neuron too.
Usage: snntorch-step.py CASE EXPORTED_FOLDER [--threads N]
"""

from importlib.metadata import version

import snntorch as snn
import torch

import cases


class Layer(torch.nn.Module):
    def __init__(self, case, index):
        super().__init__()
        temporal = case.neurons == "temporal"
        self.case, self.silent = case, temporal and index == len(case.units) - 1
        self.recurrent = case.recurrent and index < len(case.units) - 1
        self.linear, leak = cases.linear(case, index), cases.leaks(case, index)
        self.gain = 1 - leak if temporal else None
        options = {"beta": leak if temporal else 0.3, "learn_beta": temporal,
                   "threshold": 0.5 if temporal else 0.3,
                   "reset_mechanism": "none" if self.silent else "subtract" if self.recurrent else "zero"}
        if not self.recurrent:
            self.cells = snn.Leaky(**options)
            return
        self.cells = snn.RLeaky(linear_features=case.units[index], **options)
        weight = case.weights[f"network.{index}.recurrent"]
        with torch.no_grad():
            self.cells.recurrent.weight.copy_(weight * self.gain[:, None] if temporal else weight)
            self.cells.recurrent.bias.zero_()

    def forward(self, x):
        current = cases.currents(self.case, self.linear, x)
        current = current if self.gain is None else current * self.gain
        spikes = membrane = torch.zeros_like(current[0])
        out = []
        for now in current:
            if self.recurrent:
                spikes, membrane = self.cells(now, spikes, membrane)
            else:
                spikes, membrane = self.cells(now, membrane)
            out.append(membrane if self.silent else spikes)
        return torch.stack(out)


def main():
    options = cases.arguments("eager")
    case = cases.read(options)
    network = torch.nn.Sequential(*[Layer(case, k) for k in range(len(case.units))])
    cases.train(options, case, network.parameters(), lambda: network(case.x), snntorch=version("snntorch"))


if __name__ == "__main__":
    main()
