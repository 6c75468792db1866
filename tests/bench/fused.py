"""Layers of leaky integrate-and-fire neurons for PyTorch with their backpropagation through time written out.

  u[t] = k u[t-1] (1 - s[t-1]) + g i[t],  s[t] = [u[t] > threshold],  g = 1 or 1 - k

No graph is built per step. The product with the input is one over all steps (of a still image, over one),
and so is every weight gradient; what is elementwise and can be done for all steps at once is. Eager has the
fewest calls per step that were found, Compiled leaves it to torch.compile, CHUNK steps at once where no
product stands between.
"""

import math

import numpy
import torch

CHUNK = 10      # 20 are as fast, 50 are not


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


class Eager:
    """The elementwise part, call by call. `temporal`: threshold 0.5, g = 1 - k with k [N], multi-Gaussian
    slope; otherwise threshold and k are 0.3, g is 1, and the slope is a rectangle."""

    def __init__(self, temporal):
        self.temporal = temporal
        self.threshold = 0.5 if temporal else 0.3
        self.slope = multi_gaussian if temporal else rectangle
        # the largest number below -threshold: x > below is x >= -threshold
        self.below = float(numpy.nextafter(numpy.float32(-self.threshold), numpy.float32(-1e9)))

    def scale(self, v, k):
        """Rows of a weight times the gain of their neuron."""
        return v * (1 - k)[:, None] if self.temporal else v

    def forward(self, current, k, v, steps):
        """u and s [T][B][N], and what leak_gradient wants; v is the recurrent weight or None."""
        u = torch.empty(steps, *current.shape[1:])
        s = torch.empty_like(u)
        return u, s, (self.forward_temporal if self.temporal else self.forward_fixed)(current, k, v, u, s)

    def forward_fixed(self, current, k, v, u, s):
        """k is a number, so that keeping what did not fire is part of one call."""
        static, k = len(current) == 1, float(k)
        silent = torch.empty_like(u)
        vt = None if v is None else v.t()
        for t in range(len(u)):
            now = current[0 if static else t]
            if t and v is not None:
                torch.gt(u[t - 1], self.threshold, out=s[t - 1])
                now.addmm_(s[t - 1], vt)
            if t:
                torch.addcmul(now, u[t - 1], silent[t - 1], value=k, out=u[t])
            else:
                u[0] = now
            torch.le(u[t], self.threshold, out=silent[t])
        torch.sub(1, silent, out=s)

    def forward_temporal(self, current, k, v, u, s):
        """Over the negated membrane, where keeping what did not fire is torch.threshold."""
        drive = current * (k - 1)
        kept, vt = torch.zeros_like(u[0]), None if v is None else -self.scale(v, k).t()
        for t in range(len(u)):
            if t:
                if v is not None:
                    torch.lt(u[t - 1], -self.threshold, out=s[t - 1])
                    drive[t].addmm_(s[t - 1], vt)
                kept = torch.threshold(u[t - 1], self.below, 0.0)
            torch.addcmul(drive[t], kept, k, out=u[t])
        torch.lt(u, -self.threshold, out=s)
        u.neg_()
        return drive

    def wide(self, u, k):
        """Slopes h, and du[t+1]/du[t] = k (1 - s[t] - u[t] h[t]), for all steps."""
        h = self.slope(u - self.threshold)
        return h, k * ((u <= self.threshold).to(u.dtype) - u * h)

    def backward(self, grad, u, k, v):
        """dL/du for all steps."""
        h, carry = self.wide(u, k)
        if v is None:
            gu = grad * h
            for t in range(len(gu) - 2, -1, -1):
                gu[t].addcmul_(gu[t + 1], carry[t])
            return gu
        v, gu = self.scale(v, k), torch.empty_like(grad)
        torch.mul(grad[-1], h[-1], out=gu[-1])
        for t in range(len(gu) - 2, -1, -1):
            torch.addmm(grad[t], gu[t + 1], v, out=gu[t])
            gu[t].mul_(h[t]).addcmul_(gu[t + 1], carry[t])
        return gu

    def leak_gradient(self, gu, u, drive, k):
        """Sum of gu[t] (u[t-1] (1 - s[t-1]) - i[t]); drive is (k - 1) i, with the recurrent part."""
        kept = torch.where(u[:-1] > self.threshold, 0.0, u[:-1])
        return (gu[1:] * kept).sum((0, 1)) + (gu * drive).sum((0, 1)) / (1 - k)

    def integrate(self, current, k):
        """m[t] = k m[t-1] + (1 - k) i[t]"""
        m = current * (1 - k)
        for t in range(1, len(m)):
            m[t].addcmul_(m[t - 1], k)
        return m

    def integrate_back(self, grad, k):
        gm = grad.clone()
        for t in range(len(gm) - 2, -1, -1):
            gm[t].addcmul_(gm[t + 1], k)
        return gm

    def integrate_leak(self, gm, m, current):
        return (gm[1:] * m[:-1]).sum((0, 1)) - (gm * current).sum((0, 1))


def compiled(function):
    return torch.compile(function, dynamic=False)


def some_forward(current, kept, k, gain, threshold, u, s):
    """len(u) steps; `kept` is overwritten."""
    static, last = len(current) == 1, kept
    for t in range(len(u)):
        now = k * last + gain * current[0 if static else t]
        fired = now > threshold
        last = torch.where(fired, 0.0, now)
        u[t] = now
        s[t] = fired.to(now.dtype)
    kept.copy_(last)


def some_backward(grad, h, carry, after, out):
    """len(grad) steps; `after` is what comes from the step behind, and is overwritten."""
    last = after
    for t in range(len(grad) - 1, -1, -1):
        now = grad[t] * h[t] + last
        out[t] = now
        last = now * carry[t]
    after.copy_(last)


def some_integrate(current, k, last, out):
    now = last
    for t in range(len(current)):
        now = k * now + (1 - k) * current[t]
        out[t] = now
    last.copy_(now)


def some_integrate_back(grad, k, last, out):
    now = last
    for t in range(len(grad) - 1, -1, -1):
        now = grad[t] + k * now
        out[t] = now
    last.copy_(now)


def one_back(above, h, after, carry, out):
    out.copy_(above * h + after * carry)


class Compiled(Eager):
    def __init__(self, temporal):
        super().__init__(temporal)
        for name in ("wide", "leak_gradient", "integrate_leak"):
            setattr(self, name, compiled(getattr(self, name)))
        self.some_forward, self.some_backward = compiled(some_forward), compiled(some_backward)
        self.some_integrate = compiled(some_integrate)
        self.some_integrate_back = compiled(some_integrate_back)
        self.one_back = compiled(one_back)

    def pieces(self, steps):
        return [(t, min(t + CHUNK, steps)) for t in range(0, steps, CHUNK)]

    def forward(self, current, k, v, steps):
        u = torch.empty(steps, *current.shape[1:])
        s, kept = torch.empty_like(u), torch.zeros_like(u[0])
        gain = 1 - k if self.temporal else torch.ones_like(k)
        static, vt = len(current) == 1, None if v is None else v.t()
        for a, b in self.pieces(steps) if v is None else [(t, t + 1) for t in range(steps)]:
            if a and v is not None:
                current[a].addmm_(s[a - 1], vt)
            piece = current if static else current[a:b]
            self.some_forward(piece, kept, k, gain, self.threshold, u[a:b], s[a:b])
        return u, s, current

    def leak_gradient(self, gu, u, current, k):
        return super().leak_gradient(gu, u, current * (k - 1), k)

    def backward(self, grad, u, k, v):
        h, carry = self.wide(u, k)
        gu = torch.empty_like(grad)
        if v is None:
            after = torch.zeros_like(grad[0])
            # carry[t] leads from step t + 1 to t: one step is left out of the end of the last piece
            for a, b in reversed(self.pieces(len(grad))):
                self.some_backward(grad[a:b], h[a:b], before(carry, a, b), after, gu[a:b])
            return gu
        v = self.scale(v, k)
        torch.mul(grad[-1], h[-1], out=gu[-1])
        for t in range(len(gu) - 2, -1, -1):
            self.one_back(torch.addmm(grad[t], gu[t + 1], v), h[t], gu[t + 1], carry[t], gu[t])
        return gu

    def integrate(self, current, k):
        out, last = torch.empty_like(current), torch.zeros_like(current[0])
        for a, b in self.pieces(len(current)):
            self.some_integrate(current[a:b], k, last, out[a:b])
        return out

    def integrate_back(self, grad, k):
        out, last = torch.empty_like(grad), torch.zeros_like(grad[0])
        for a, b in reversed(self.pieces(len(grad))):
            self.some_integrate_back(grad[a:b], k, last, out[a:b])
        return out


def before(carry, a, b):
    """Factors from each step of a piece to the one before it; before the first step there is none."""
    return carry[a - 1:b - 1] if a else torch.cat([carry[:1], carry[:b - 1]])


class Input:
    """What is multiplied over all steps at once: dense, or CSR with its transpose, which is made before the
    clock starts."""

    def __init__(self, x, sparse=False):
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
    """Spikes [T][B][N] of a layer over `first`, an Input, or over x, the spikes of the layer below."""

    @staticmethod
    def forward(ctx, x, w, b, k, v, first, neurons, steps):
        current = (first or Input(x)).times(w, b)
        u, s, drive = neurons.forward(current, k, v, steps)
        ctx.save_for_backward(x, w, k, v, u, s, drive if neurons.temporal else None)
        ctx.more = first, neurons, len(current) == 1
        return s

    @staticmethod
    def backward(ctx, grad):
        x, w, k, v, u, s, drive = ctx.saved_tensors
        first, neurons, static = ctx.more
        gu = neurons.backward(grad, u, k, v)
        gk = neurons.leak_gradient(gu, u, drive, k) if ctx.needs_input_grad[3] else None
        gi = gu * (1 - k) if neurons.temporal else gu
        gv = None if v is None else torch.mm(gi[1:].flatten(0, 1).t(), s[:-1].flatten(0, 1))
        g = (gi.sum(0, keepdim=True) if static else gi).flatten(0, 1)
        gw = first.weight_gradient(g) if first else torch.mm(g.t(), x.flatten(0, 1))
        gx = None if first else torch.mm(g, w).view_as(x)
        return gx, gw, g.sum(0), gk, gv, None, None, None


class Integrator(torch.autograd.Function):
    """A readout that does not fire: m[t] = k m[t-1] + (1 - k) (W s[t] + b)."""

    @staticmethod
    def forward(ctx, x, w, b, k, neurons):
        current = Input(x).times(w, b)
        m = neurons.integrate(current, k)
        ctx.save_for_backward(x, w, k, current, m)
        ctx.neurons = neurons
        return m

    @staticmethod
    def backward(ctx, grad):
        x, w, k, current, m = ctx.saved_tensors
        gm = ctx.neurons.integrate_back(grad, k)
        gk = ctx.neurons.integrate_leak(gm, m, current)
        g = (gm * (1 - k)).flatten(0, 1)
        return torch.mm(g, w).view_as(x), torch.mm(g.t(), x.flatten(0, 1)), g.sum(0), gk, None
