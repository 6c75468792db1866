"""A training step of two networks in PyTorch, fused by hand: what Ranvier's speed is compared with.

XOR 20-16-2, 200 steps, batch 500, and MNIST 784-512-10, 8 steps, batch 512. Backpropagation through time
is written out in one autograd.Function per layer, so no graph is built per step, and the products with
the input are one matrix product over all steps (the static image: over one). Two threads by default.
Usage: pytorch-step.py [STEPS] [THREADS]; prints ms per step, the median of 5 rounds of STEPS.
"""

import statistics
import sys
import time

import torch
from torch.nn.functional import cross_entropy


def multi_gaussian(x, width=0.5, height=0.15, scale=0.5):
    def normal(x, mean, sd):
        return torch.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * (2 * torch.pi) ** 0.5)
    return scale * ((1 + height) * normal(x, 0, width)
                    - height * (normal(x, width, 6 * width) + normal(x, -width, 6 * width)))


def rectangle(x, half_width=0.25):
    return (x.abs() < half_width).to(x.dtype) / (2 * half_width)


class Lif(torch.autograd.Function):
    """u[t] = k u[t-1] (1 - s[t-1]) + g i[t], s[t] = [u[t] > threshold]; currents [T][B][N] or [1][B][N].

    g is 1, or 1 - k where scaled. The reset is attached to the gradient.
    """

    @staticmethod
    def forward(ctx, current, k, steps, threshold, surrogate, scaled):
        gain = 1 - k if scaled else torch.ones_like(k)
        static = current.shape[0] == 1
        u = torch.empty(steps, *current.shape[1:])
        s = torch.empty_like(u)
        drive = current * gain
        kept = torch.zeros_like(current[0])                # u[t-1] (1 - s[t-1])
        for t in range(steps):
            torch.addcmul(drive[0 if static else t], kept, k, out=u[t])
            torch.gt(u[t], threshold, out=s[t])
            kept = torch.addcmul(u[t], u[t], s[t], value=-1)
        ctx.save_for_backward(current, k, u, s)
        ctx.options = steps, threshold, surrogate, scaled
        return s

    @staticmethod
    def backward(ctx, grad):
        current, k, u, s = ctx.saved_tensors
        steps, threshold, surrogate, scaled = ctx.options
        h = surrogate(u - threshold)
        # du[t+1]/du[t] = k (1 - s[t] - u[t] h[t])
        carry = k * (1 - s - u * h)
        gu = grad * h
        for t in range(steps - 2, -1, -1):
            gu[t].addcmul_(gu[t + 1], carry[t])
        total = gu.sum(0, keepdim=True) if current.shape[0] == 1 else gu
        gk = None
        if ctx.needs_input_grad[1]:
            gk = (gu[1:] * u[:-1] * (1 - s[:-1])).sum((0, 1))
            if scaled:
                gk = gk - (total * current).sum((0, 1))
        return total * (1 - k) if scaled else total, gk, None, None, None, None


class Integrator(torch.autograd.Function):
    """m[t] = k m[t-1] + (1 - k) i[t]; currents [T][B][N]."""

    @staticmethod
    def forward(ctx, current, k):
        m = current * (1 - k)
        for t in range(1, len(m)):
            m[t].addcmul_(m[t - 1], k)
        ctx.save_for_backward(current, k, m)
        return m

    @staticmethod
    def backward(ctx, grad):
        current, k, m = ctx.saved_tensors
        gm = grad.clone()
        for t in range(len(gm) - 2, -1, -1):
            gm[t].addcmul_(gm[t + 1], k)
        gk = (gm[1:] * m[:-1]).sum((0, 1)) - (gm * current).sum((0, 1))
        return gm * (1 - k), gk


def xor_step():
    hidden, readout = torch.nn.Linear(20, 16), torch.nn.Linear(16, 2)
    tau = [torch.nn.Parameter(4 * torch.rand(n)) for n in (16, 2)]
    optimizer = torch.optim.Adam([*hidden.parameters(), *readout.parameters(), *tau], lr=1e-2)
    x = (torch.rand(200, 500, 20) < 0.01).float()
    low_high = torch.tensor([0.2, 0.6])
    a, b = torch.randint(2, (500,)), torch.randint(2, (500,))
    for start, bit in ((0, a), (190, b)):
        pattern = torch.rand(10, 500, 20) < low_high[bit][None, :, None]
        x[start:start + 10] = torch.maximum(x[start:start + 10], pattern.float())
    label = (a ^ b).repeat(9)

    def step():
        optimizer.zero_grad(set_to_none=True)
        spikes = Lif.apply(hidden(x), torch.sigmoid(tau[0]), 200, 0.5, multi_gaussian, True)
        membrane = Integrator.apply(readout(spikes), torch.sigmoid(tau[1]))
        # Softmax twice and the sum over 9 steps of the mean over the batch, as the published code has it.
        p = torch.softmax(membrane[191:].reshape(-1, 2), 1)
        loss = 9 * cross_entropy(p, label)
        loss.backward()
        optimizer.step()
    return step


def mnist_step():
    hidden, readout = torch.nn.Linear(784, 512), torch.nn.Linear(512, 10)
    optimizer = torch.optim.Adam([*hidden.parameters(), *readout.parameters()], lr=1e-3)
    image = torch.rand(1, 512, 784) * (torch.rand(1, 512, 784) < 0.19)  # as many set pixels as MNIST
    label = torch.randint(10, (512,))
    k = torch.tensor(0.3)

    def step():
        optimizer.zero_grad(set_to_none=True)
        spikes = Lif.apply(hidden(image), k, 8, 0.3, rectangle, False)
        out = Lif.apply(readout(spikes), k, 8, 0.3, rectangle, False)
        cross_entropy(out.mean(0), label).backward()
        optimizer.step()
    return step


def measure(name, step, steps):
    for _ in range(3):
        step()
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        rounds.append((time.perf_counter() - start) / steps * 1000)
    print(f"{name}: {statistics.median(rounds):.2f} ms a step", flush=True)


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 2)
    torch.manual_seed(1)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, median of 5 x {steps} steps")
    measure("xor 20-16-2, T 200, batch 500", xor_step(), steps)
    measure("mnist 784-512-10, T 8, batch 512", mnist_step(), steps)


if __name__ == "__main__":
    main()
