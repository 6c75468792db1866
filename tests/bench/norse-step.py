"""A training step in Norse: LIFBoxCell and LIBoxCell over the steps, the Linear before as one product.

Its LIF without a current is ours (reset to zero, input times 1 - leak, which the first weights make up for
where ours has no such factor) with its SuperSpike slope; leaks differ by neuron but are not learned, which
is less work than ours. A recurrent layer is its LIFRecurrent, which has a synaptic current besides: another
neuron, nearest to ours, and its input is multiplied step by step.
Usage: norse-step.py CASE EXPORTED_FOLDER [--threads N]
"""

from importlib.metadata import version

import norse.torch as norse
import torch

import cases


class Layer(torch.nn.Module):
    def __init__(self, case, index):
        super().__init__()
        temporal, leak = case.neurons == "temporal", cases.leaks(case, index)
        last = index == len(case.units) - 1
        self.case, self.recurrent = case, case.recurrent and not last
        rate, threshold = (1 - leak) * 1000, torch.tensor(0.5 if temporal else 0.3)  # a step is a millisecond
        if self.recurrent:
            before = case.units[index - 1] if index else case.inputs
            self.cells = norse.LIFRecurrent(before, case.units[index],
                                            p=norse.LIFParameters(tau_mem_inv=rate, v_th=threshold))
            with torch.no_grad():
                self.cells.input_weights.copy_(case.weights[f"network.{index}.weight"])
                self.cells.recurrent_weights.copy_(case.weights[f"network.{index}.recurrent"])
            return
        self.linear = cases.linear(case, index, None if temporal else 1 / (1 - leak))
        if temporal and last:
            self.cells = norse.LIBoxCell(p=norse.LIBoxParameters(tau_mem_inv=rate))
        else:
            self.cells = norse.LIFBoxCell(p=norse.LIFBoxParameters(tau_mem_inv=rate, v_th=threshold))

    def forward(self, x):
        if self.recurrent:
            return self.cells(x)[0]
        out, state = [], None
        for now in cases.currents(self.case, self.linear, x):
            spikes, state = self.cells(now, state)
            out.append(spikes)
        return torch.stack(out)


def main():
    options = cases.arguments("eager")
    case = cases.read(options)
    network = torch.nn.Sequential(*[Layer(case, k) for k in range(len(case.units))])
    cases.train(options, case, network.parameters(), lambda: network(case.x), norse=version("norse"))


if __name__ == "__main__":
    main()
