"""A training step of spiking convolutional networks in PyTorch or SpikingJelly, on random images of CIFAR's shape.

  u[t] = 0.5 u[t-1] (1 - s[t-1]) + i[t],  s[t] = [u[t] > 1], slope 1 where |u - 1| < 0.5; the reset is not cut

resnet18: 64 channels, then 64, 128, 256, 512 in two basic blocks each, a normalisation after every convolution,
neurons after the stem, inside of a block and after its sum. vgg: 64-64-pool-128-128-pool-256-256-pool. Both: a dense
layer of 10, read as its mean over T = 4 steps. The image is still: its convolution and normalisation are done once.

torch is as its users write it well: one convolution and one normalisation over all steps, and the neurons as a loop
over steps with a surrogate as an autograd function (loop), or with the whole loop forward and backward in one function
written by hand (fused), compiled if one likes (compiled). spikingjelly: its layers and LIF in multi-step mode, torch
backend. --check takes one step from the same weights as the loop does and compares loss and gradients.
Usage: conv-step.py resnet18|vgg [--library torch|spikingjelly] [--mode loop|fused|compiled] [--layout last|first]
                    [--dtype float32|bfloat16] [--batch 32] [--steps 4] [--threads 2] [--seconds 2] [--check]
"""

import argparse
import copy
import sys
from importlib.metadata import version
from types import SimpleNamespace

import torch
from torch import nn

import cases

LEAK, THRESHOLD, WIDTH, CLASSES = 0.5, 1.0, 0.5, 10


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return (z > 0).to(z.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (z,) = ctx.saved_tensors
        return gradient * (z.abs() < WIDTH)


def loop(x, steps):
    """Spikes of currents, both [T * B][C][H][W]; autograd does the rest."""
    v, out = None, []
    for current in x.chunk(steps):
        u = current if v is None else LEAK * v + current
        s = Spike.apply(u - THRESHOLD)
        v = u * (1 - s)
        out.append(s)
    return torch.cat(out)       # where stack would lose the order of channels_last


def integrate(x, steps):
    """Membranes before their reset, and spikes, in as few calls and passes as were found."""
    u, silent = torch.empty_like(x), torch.empty_like(x)
    us, silents = u.chunk(steps), silent.chunk(steps)
    us[0].copy_(x.chunk(steps)[0])
    for t, current in enumerate(x.chunk(steps)):
        if t:
            torch.addcmul(current, us[t - 1], silents[t - 1], value=LEAK, out=us[t])
        torch.le(us[t], THRESHOLD, out=silents[t])
    return u, 1 - silent


def adjoint(gradient, u, steps):
    """dL/dcurrent, which is dL/du, from dL/dspikes: slope h, and du[t+1]/du[t] = k (1 - s[t] - u[t] h[t])."""
    h, carry = torch.empty_like(u), torch.empty_like(u)
    torch.lt((u - THRESHOLD).abs_(), WIDTH, out=h)
    torch.le(u, THRESHOLD, out=carry)
    carry.addcmul_(u, h, value=-1).mul_(LEAK)
    out = gradient * h
    outs, carries = out.chunk(steps), carry.chunk(steps)
    for t in range(steps - 2, -1, -1):
        outs[t].addcmul_(outs[t + 1], carries[t])
    return out


def plain_integrate(x, steps):
    """The same for a compiler, which makes one pass of it."""
    u, s, v = torch.empty_like(x), torch.empty_like(x), None
    for current, u_t, s_t in zip(x.chunk(steps), u.chunk(steps), s.chunk(steps)):
        now = current if v is None else LEAK * v + current
        fires = now > THRESHOLD
        v = torch.where(fires, 0.0, now)
        u_t.copy_(now)
        s_t.copy_(fires)
    return u, s


def plain_adjoint(gradient, u, steps):
    out, g = torch.empty_like(u), None
    for gs, u_t, out_t in reversed(list(zip(gradient.chunk(steps), u.chunk(steps), out.chunk(steps)))):
        near = ((u_t - THRESHOLD).abs() < WIDTH).to(u.dtype)
        if g is None:
            g = gs * near
        else:
            gv = LEAK * g
            g = torch.where(u_t > THRESHOLD, 0.0, gv) + (gs - gv * u_t) * near
        out_t.copy_(g)
    return out


class Fused(torch.autograd.Function):
    functions = integrate, adjoint

    @staticmethod
    def forward(ctx, x, steps):
        u, s = Fused.functions[0](x, steps)
        ctx.save_for_backward(u)
        ctx.steps = steps
        return s

    @staticmethod
    def backward(ctx, gradient):
        (u,) = ctx.saved_tensors
        return Fused.functions[1](gradient, u, ctx.steps), None


class Neurons(nn.Module):
    """Counts its spikes while `count` is set."""

    count = False

    def __init__(self, mode, steps):
        super().__init__()
        self.fire, self.steps = loop if mode == "loop" else Fused.apply, steps

    def forward(self, x):
        s = self.fire(x, self.steps)
        if Neurons.count:
            self.rate = s.detach().float().mean().item()
        return s


class Torch:
    """[T * B][C][H][W] throughout."""

    def __init__(self, options):
        self.mode, self.steps = options.mode, options.steps
        if self.mode == "compiled":
            torch._dynamo.config.recompile_limit = 64   # every size is one
            Fused.functions = [torch.compile(f, dynamic=False) for f in (plain_integrate, plain_adjoint)]

    conv, norm, pool = staticmethod(nn.Conv2d), staticmethod(nn.BatchNorm2d), staticmethod(nn.MaxPool2d)

    def neurons(self):
        return Neurons(self.mode, self.steps)

    def repeat(self, x):
        return x.repeat(self.steps, 1, 1, 1)

    def reset(self, network):
        pass

    def mean(self, x):
        return x.unflatten(0, (self.steps, -1)).mean(0)


class SpikingJelly:
    """[T][B][C][H][W]."""

    def __init__(self, options):
        from spikingjelly.activation_based import functional, layer, neuron, surrogate
        self.functional, self.layer, self.steps = functional, layer, options.steps

        class Counting(neuron.LIFNode):
            def multi_step_forward(self, x_seq):
                s = super().multi_step_forward(x_seq)
                if Neurons.count:
                    self.rate = s.detach().float().mean().item()
                return s
        self.neuron = lambda: Counting(tau=1 / (1 - LEAK), decay_input=False, v_threshold=THRESHOLD, v_reset=0.0,
                                       surrogate_function=surrogate.Rect(alpha=0.5 / WIDTH), step_mode="m")

    def conv(self, *args, **more):
        return self.layer.Conv2d(*args, **more, step_mode="m")

    def norm(self, channels):
        return self.layer.BatchNorm2d(channels, step_mode="m")

    def pool(self, kernel):
        return self.layer.MaxPool2d(kernel, step_mode="m")

    def neurons(self):
        return self.neuron()

    def repeat(self, x):
        return x.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)

    def reset(self, network):
        self.functional.reset_net(network)

    def mean(self, x):
        return x.mean(0)


class Block(nn.Module):
    def __init__(self, kit, inputs, channels, stride):
        super().__init__()
        self.first = nn.Sequential(kit.conv(inputs, channels, 3, stride=stride, padding=1, bias=False),
                                   kit.norm(channels), kit.neurons())
        self.second = nn.Sequential(kit.conv(channels, channels, 3, padding=1, bias=False), kit.norm(channels))
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != channels:
            self.shortcut = nn.Sequential(kit.conv(inputs, channels, 1, stride=stride, bias=False),
                                          kit.norm(channels))
        self.neurons = kit.neurons()

    def forward(self, x):
        return self.neurons(self.second(self.first(x)) + self.shortcut(x))


def resnet18(kit):
    blocks, inputs = [], 64
    for channels in (64, 128, 256, 512):
        for k in range(2):
            blocks.append(Block(kit, inputs, channels, 2 if k == 0 and channels > 64 else 1))
            inputs = channels
    return nn.Sequential(*blocks), nn.Linear(512, CLASSES)


def vgg(kit):
    layers, inputs = [], 64
    for channels in (64, 128, 128, 256, 256):   # the stem is before them
        layers += [kit.conv(inputs, channels, 3, padding=1, bias=False), kit.norm(channels), kit.neurons()]
        inputs = channels
        if len(layers) in (3, 10, 17):
            layers.append(kit.pool(2))
    return nn.Sequential(*layers), nn.Linear(256 * 4 * 4, CLASSES)


class Network(nn.Module):
    def __init__(self, name, kit):
        super().__init__()
        self.kit = kit
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64))
        self.first = kit.neurons()
        self.body, self.dense = {"resnet18": resnet18, "vgg": vgg}[name](kit)
        self.global_pool = name == "resnet18"

    def forward(self, x):
        self.kit.reset(self)
        x = self.body(self.first(self.kit.repeat(self.stem(x))))
        x = x.mean((-2, -1)) if self.global_pool else x.flatten(-3)
        return self.kit.mean(self.dense(x))

    def rates(self):
        return [round(module.rate, 4) for module in self.modules() if hasattr(module, "rate")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=("resnet18", "vgg"))
    parser.add_argument("--library", choices=("torch", "spikingjelly"), default="torch")
    parser.add_argument("--mode", choices=("loop", "fused", "compiled"), default="fused", help="torch's neurons")
    parser.add_argument("--layout", choices=("last", "first"), default="last", help="where the channels are")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=4, help="T")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure, at least")
    parser.add_argument("--check", action="store_true", help="compare one step with the loop, measure nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    return options


def make(options):
    torch.manual_seed(1)
    kit = {"torch": Torch, "spikingjelly": SpikingJelly}[options.library](options)
    network = Network(options.case, kit)
    return network.to(memory_format=torch.channels_last) if options.layout == "last" else network


def data(options):
    torch.manual_seed(2)
    x, labels = torch.randn(options.batch, 3, 32, 32), torch.randint(0, CLASSES, (options.batch,))
    return x.contiguous(memory_format=torch.channels_last) if options.layout == "last" else x, labels


def loss_of(options, network, x, labels):
    with torch.autocast("cpu", torch.bfloat16, enabled=options.dtype == "bfloat16"):
        out = network(x)
    return nn.functional.cross_entropy(out.to(x.dtype), labels)


def check(options):
    """In doubles, where sums in another order take no spike elsewhere."""
    torch.set_default_dtype(torch.float64)
    wanted, found = copy.copy(options), options
    wanted.library, wanted.mode, wanted.layout = "torch", "loop", "first"
    results = []
    for one in (wanted, found):
        network = make(one)
        loss = loss_of(one, network, *data(one))
        loss.backward()
        results.append((loss.item(), [p.grad for p in network.parameters()]))
    (loss, gradient), (loss_found, gradient_found) = results
    worst = max(cases.relative(a, b) for a, b in zip(gradient_found, gradient))
    print(f"{options.case}, {options.library}, {options.mode}: loss apart by {abs(loss_found - loss):.1e}, of "
          f"{len(gradient)} gradients the worst by {worst:.1e}")
    return abs(loss_found - loss) < 1e-9 and worst < 1e-9


def main():
    options = arguments()
    if options.check:
        sys.exit(0 if check(options) else 1)
    network, (x, labels) = make(options), data(options)
    Neurons.count = True
    loss_of(options, network, x, labels)
    Neurons.count = False
    # the rate is too small to move anything, so that every step does the same work
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-7, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(options, network, x, labels)
        loss.backward()
        optimizer.step()
        return loss
    more = {"spikingjelly": version("spikingjelly")} if options.library == "spikingjelly" else {}
    cases.measure(options, SimpleNamespace(batch=options.batch), step, library=options.library,
                  layout=options.layout, dtype=options.dtype, batch=options.batch, steps=options.steps,
                  firing=network.rates(), **more)


if __name__ == "__main__":
    main()
