"""A training step in SpikingJelly: its multi-step mode, torch backend, layers as its users write them.

Where leak and threshold are fixed the neuron, its rectangle and its reset are ours. Of learned leaks its
LIF has none, and its ParametricLIFNode one for a layer: the LIF with the mean leak stands in, which is less
work than ours, with the arctangent for the multi-Gaussian slope. A recurrent layer is its
LinearRecurrentContainer, whose matrix is [2 N -> N]: more work than ours.
Usage: spikingjelly-step.py CASE EXPORTED_FOLDER [--threads N]
"""

from importlib.metadata import version

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate

import cases


def make_neuron(case, index, step_mode):
    if case.neurons == "fixed":
        return neuron.LIFNode(tau=1 / 0.7, decay_input=False, v_threshold=0.3, v_reset=0.0,
                              surrogate_function=surrogate.Rect(alpha=2.0), step_mode=step_mode)
    tau = float(1 / (1 - cases.leaks(case, index).mean()))
    return neuron.LIFNode(tau=tau, v_threshold=0.5, v_reset=0.0, surrogate_function=surrogate.ATan(),
                          step_mode=step_mode)


def recurrent(case, index):
    units = case.units[index]
    made = layer.LinearRecurrentContainer(make_neuron(case, index, "s"), units, units, step_mode="m")
    with torch.no_grad():
        made.rc.weight.copy_(torch.cat([torch.eye(units), case.weights[f"network.{index}.recurrent"]], 1))
        made.rc.bias.zero_()
    return made


def main():
    options = cases.arguments("eager")
    case = cases.read(options)
    last = len(case.units) - 1
    linears = torch.nn.ModuleList([cases.linear(case, k) for k in range(last + 1)])
    neurons = torch.nn.ModuleList()
    for k in range(last + 1):
        if k == last and case.neurons == "temporal":
            tau = float(1 / (1 - cases.leaks(case, k).mean()))
            neurons.append(neuron.NonSpikingLIFNode(tau=tau))
        else:
            neurons.append(recurrent(case, k) if case.recurrent and k < last else make_neuron(case, k, "m"))

    def forward():
        functional.reset_net(neurons)
        x = case.x
        for linear, cells in zip(linears, neurons):
            x = cells(cases.currents(case, linear, x))
        return torch.stack(x) if isinstance(x, list) else x
    cases.train(options, case, [*linears.parameters(), *neurons.parameters()], forward,
                spikingjelly=version("spikingjelly"))


if __name__ == "__main__":
    main()
