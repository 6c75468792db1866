"""A training step in PyTorch, fused by hand: what Ranvier's speed is compared with.

The same networks, neurons, slopes and losses as ours (--check shows it: one step from the same weights). Each
layer is one autograd.Function with its backpropagation through time written out, so that no graph is built per
step: the product with the input is one over all steps (of a still image, over one), the weight gradients are one,
what can be done for all steps at once is, and a step costs three calls forward and one back; a recurrent layer
adds its product. Modes: eager; compiled, where torch.compile fuses everything elementwise and, of layers without
recurrence, 20 steps at once; sparse and sparse-compiled, with the input as CSR matrices, made outside the clock.
Usage: pytorch-step.py CASE EXPORTED_FOLDER [--mode MODE] [--threads N] [--check]
"""

import math
import sys

import torch

import cases

CHUNK = 20          # steps that are compiled into one piece


def multi_gaussian(z):
    """Width 0.5; the two wide Gaussians as one with a cosh, as ours: N(z; s) (e^(az) + e^(-az))."""
    width, height, scale, gain = 0.5, 0.15, 6.0, 0.5
    wide = width * scale
    norm = gain / math.sqrt(2 * math.pi)
    square = z * z
    side = 2 * norm * height / wide * math.exp(-0.5 / scale ** 2)
    return (norm * (1 + height) / width * torch.exp(square * (-0.5 / width ** 2))
            - side * torch.exp(square * (-0.5 / wide ** 2)) * torch.cosh(z * (width / wide ** 2)))


def rectangle(z):
    return (z.abs() < 0.25).to(z.dtype) * 2


class Neurons:
    """u[t] = k u[t-1] (1 - s[t-1]) + g i[t],  s[t] = [u[t] > threshold],  g = 1 or 1 - k.

    Everything elementwise, in plain functions over tensors that may be compiled.
    """

    def __init__(self, temporal, compiled):
        self.threshold = 0.5 if temporal else 0.3
        self.slope = multi_gaussian if temporal else rectangle
        self.scaled = temporal
        self.chunk = CHUNK if compiled else 1
        fuse = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        self.wide, self.leak_gradient = fuse(self.wide), fuse(self.leak_gradient)
        if compiled:
            self.some_forward, self.some_backward = fuse(self.some_forward), fuse(self.some_backward)
            self.one, self.one_back = fuse(self.one), fuse(self.one_back)

    def gain(self, k):
        return 1 - k if self.scaled else torch.ones_like(k)

    def wide(self, u, k):
        """Slopes h, and du[t+1]/du[t] = k (1 - s[t] - u[t] h[t]), for all steps."""
        h = self.slope(u - self.threshold)
        return h, k * ((u <= self.threshold).to(u.dtype) - u * h)

    def leak_gradient(self, gu, u, current, k):
        """sum of gu[t] (u[t-1] (1 - s[t-1]) - i[t]), without the last part where the input is not scaled."""
        total = (gu[1:] * torch.where(u[:-1] > self.threshold, 0.0, u[:-1])).sum((0, 1))
        return total - (gu * current).sum((0, 1)) if self.scaled else total

    # compiled: a few steps, which become one loop

    def some_forward(self, current, kept, k, static, steps):
        us, gain = [], self.gain(k)
        for t in range(steps):
            u = k * kept + gain * current[0 if static else t]
            kept = torch.where(u > self.threshold, 0.0, u)
            us.append(u)
        u = torch.stack(us)
        return u, (u > self.threshold).to(u.dtype), kept

    def some_backward(self, grad, h, carry, after):
        out = []
        for t in range(len(grad) - 1, -1, -1):
            after = grad[t] * h[t] + after
            out.append(after)
            after = after * carry[t - 1] if t else after
        return torch.stack(out[::-1])

    # a step of a recurrent layer, whose products stand between

    def one(self, current, kept, k):
        u = k * kept + self.gain(k) * current
        s = (u > self.threshold).to(u.dtype)
        return u, s, u - u * s

    def one_back(self, grad, h, after, carry):
        return grad * h + after * carry


def forward_eager(neurons, current, k, steps):
    static = len(current) == 1
    drive = current * neurons.gain(k) if neurons.scaled else current
    u = torch.empty(steps, *current.shape[1:])
    s = torch.empty_like(u)
    kept = torch.zeros_like(u[0])
    for t in range(steps):
        torch.addcmul(drive[0 if static else t], kept, k, out=u[t])
        torch.gt(u[t], neurons.threshold, out=s[t])
        torch.addcmul(u[t], u[t], s[t], value=-1, out=kept)
    return u, s


def forward_chunks(neurons, current, k, steps):
    static = len(current) == 1
    u = torch.empty(steps, *current.shape[1:])
    s = torch.empty_like(u)
    kept = torch.zeros_like(u[0])
    for t in range(0, steps, neurons.chunk):
        n = min(neurons.chunk, steps - t)
        piece = current if static else current[t:t + n]
        u[t:t + n], s[t:t + n], kept = neurons.some_forward(piece, kept, k, static, n)
    return u, s


def forward_recurrent(neurons, current, k, v, compiled):
    """Adds V s[t-1] to the current in place."""
    u, s = torch.empty_like(current), torch.empty_like(current)
    gain, kept, vt = neurons.gain(k), torch.zeros_like(current[0]), v.t()
    for t in range(len(current)):
        if t:
            current[t].addmm_(s[t - 1], vt)
        if compiled:
            u[t], s[t], kept = neurons.one(current[t], kept, k)
            continue
        drive = current[t] * gain if neurons.scaled else current[t]
        torch.addcmul(drive, kept, k, out=u[t])
        torch.gt(u[t], neurons.threshold, out=s[t])
        torch.addcmul(u[t], u[t], s[t], value=-1, out=kept)
    return u, s


def backward(neurons, grad, h, carry, k, v, compiled):
    """dL/du for all steps; carry[t] = du[t+1]/du[t]."""
    steps = len(grad)
    if v is not None:
        gain, gu = neurons.gain(k), torch.empty_like(grad)
        gu[-1] = grad[-1] * h[-1]
        for t in range(steps - 2, -1, -1):
            above = torch.addmm(grad[t], gu[t + 1] * gain if neurons.scaled else gu[t + 1], v)
            if compiled:
                gu[t] = neurons.one_back(above, h[t], gu[t + 1], carry[t])
            else:
                torch.mul(above, h[t], out=gu[t])
                gu[t].addcmul_(gu[t + 1], carry[t])
        return gu
    if not compiled:
        gu = grad * h
        for t in range(steps - 2, -1, -1):
            gu[t].addcmul_(gu[t + 1], carry[t])
        return gu
    gu, after = torch.empty_like(grad), torch.zeros_like(grad[0])
    starts = range(0, steps, neurons.chunk)
    for t in reversed(starts):
        n = min(neurons.chunk, steps - t)
        gu[t:t + n] = neurons.some_backward(grad[t:t + n], h[t:t + n], carry[t:t + n], after)
        after = gu[t] * carry[t - 1] if t else after
    return gu


class Input:
    """x as it is multiplied: dense, or CSR with its transpose, made before the clock starts."""

    def __init__(self, x, sparse):
        self.rows = x.reshape(-1, x.shape[-1])
        self.shape = x.shape[:2]
        self.sparse = sparse
        if sparse:
            self.transposed = self.rows.t().contiguous().to_sparse_csr()
            self.rows = self.rows.to_sparse_csr()

    def times(self, w, b):
        if self.sparse:
            out = torch.sparse.mm(self.rows, w.t()).add_(b)
        else:
            out = torch.addmm(b, self.rows, w.t())
        return out.view(*self.shape, -1)

    def weight_gradient(self, g):
        if self.sparse:
            return torch.sparse.mm(self.transposed, g).t()
        return torch.mm(g.t(), self.rows)


class Layer(torch.autograd.Function):
    """Spikes [T][B][N] of a layer over `x`, an Input of the first layer or the spikes of the one below."""

    @staticmethod
    def forward(ctx, x, w, b, k, v, first, neurons, steps, compiled):
        current = first.times(w, b) if first else Input(x, False).times(w, b)
        if v is not None:
            u, s = forward_recurrent(neurons, current, k, v, compiled)
        else:
            u, s = (forward_chunks if compiled else forward_eager)(neurons, current, k, steps)
        ctx.save_for_backward(x, w, k, v, u, s, current if neurons.scaled else None)
        ctx.more = first, neurons, compiled, len(current) == 1
        return s

    @staticmethod
    def backward(ctx, grad):
        x, w, k, v, u, s, current = ctx.saved_tensors
        first, neurons, compiled, static = ctx.more
        h, carry = neurons.wide(u, k)
        gu = backward(neurons, grad, h, carry, k, v, compiled)
        gk = neurons.leak_gradient(gu, u, current, k) if ctx.needs_input_grad[3] else None
        gi = gu * neurons.gain(k) if neurons.scaled else gu
        gv = None if v is None else torch.mm(gi[1:].flatten(0, 1).t(), s[:-1].flatten(0, 1))
        g = (gi.sum(0, keepdim=True) if static else gi).flatten(0, 1)
        gw = first.weight_gradient(g) if first else torch.mm(g.t(), x.flatten(0, 1))
        gx = None if first else torch.mm(g, w).view_as(x)
        return gx, gw, g.sum(0), gk, gv, None, None, None, None


class Integrator(torch.autograd.Function):
    """m[t] = k m[t-1] + (1 - k) (W s[t] + b)."""

    @staticmethod
    def forward(ctx, x, w, b, k):
        current = Input(x, False).times(w, b)
        m = current * (1 - k)
        for t in range(1, len(m)):
            m[t].addcmul_(m[t - 1], k)
        ctx.save_for_backward(x, w, k, current, m)
        return m

    @staticmethod
    def backward(ctx, grad):
        x, w, k, current, m = ctx.saved_tensors
        gm = grad.clone()
        for t in range(len(gm) - 2, -1, -1):
            gm[t].addcmul_(gm[t + 1], k)
        gk = (gm[1:] * m[:-1]).sum((0, 1)) - (gm * current).sum((0, 1))
        g = (gm * (1 - k)).flatten(0, 1)
        return torch.mm(g, w).view_as(x), torch.mm(g.t(), x.flatten(0, 1)), g.sum(0), gk


class Network:
    def __init__(self, case, mode):
        compiled, temporal = "compiled" in mode, case.neurons == "temporal"
        self.case, self.compiled = case, compiled
        self.parameters = {name: torch.nn.Parameter(value) for name, value in case.weights.items()}
        self.leaks = [p for name, p in self.parameters.items() if name.endswith("leak")]
        self.plain = [p for name, p in self.parameters.items() if not name.endswith("leak")]
        self.neurons = Neurons(temporal, compiled)
        self.first = Input(case.x, "sparse" in mode)
        case.x = None

    def loss(self):
        x, last = torch.empty(0), len(self.case.units) - 1
        for layer in range(last + 1):
            w, b, v, tau = (self.parameters.get(f"network.{layer}.{part}")
                            for part in ("weight", "bias", "recurrent", "neuron.leak"))
            k = torch.sigmoid(tau) if tau is not None else torch.tensor(0.3)
            if layer == last and self.case.neurons == "temporal":
                x = Integrator.apply(x, w, b, k)
            else:
                x = Layer.apply(x, w, b, k, v, None if layer else self.first, self.neurons, self.case.steps,
                                self.compiled)
        return cases.loss_of(self.case, x)


def check(options, case, network):
    """One step from the same weights: loss, every gradient, and the weights after Adam, beside ours."""
    base = f"{options.folder}/{options.case}"
    gradient, after = cases.weights(base + "-gradient.npz"), cases.weights(base + "-after.npz")
    groups = [{"params": network.plain, "lr": case.rate}, {"params": network.leaks, "lr": case.leak_rate}]
    optimizer = torch.optim.Adam([group for group in groups if group["params"]], fused=True)
    loss = network.loss()
    loss.backward()
    optimizer.step()
    apart = {"loss": abs(float(loss.detach()) - case.loss) / abs(case.loss)}
    for name, parameter in network.parameters.items():
        apart[name + " gradient"] = cases.relative(parameter.grad, gradient[name])
        apart[name] = cases.relative(parameter.detach(), after[name])
    for what, far in apart.items():
        print(f"{options.case} {options.mode}: {what}: {far:.1e}")
    return max(apart.values())


def main():
    options = cases.arguments("eager", "compiled", "sparse", "sparse-compiled")
    case = cases.read(options)
    network = Network(case, options.mode)
    if options.check:
        sys.exit(0 if check(options, case, network) < 1e-3 else 1)
    optimizer = cases.adam(case, network.plain, network.leaks)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = network.loss()
        loss.backward()
        optimizer.step()
        return loss
    cases.measure(options, case, step)


if __name__ == "__main__":
    main()
