"""Learning rates that change from step to step, as in `torch.optim.lr_scheduler`.

Each changes `group["lr"]` of its optimizer's groups when `step()` is called, after `optimizer.step()`. Most of them
multiply what is there, so that several can work on one optimizer; `group["initial_lr"]` is where it began.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from autograd_lite.optim.optimizer import Optimizer


class LRScheduler:
    """What schedules share. A subclass defines `get_lr()`, the learning rates of all groups at `self.last_epoch`.

    Or `rate(lr, base, k)`, the next learning rate of group k from the present and the initial one; and maybe
    `closed(base, k)`, that of an epoch by itself. `last_epoch` is the number of the last step; with another than -1 a
    training is gone on with, whose optimizer has the groups' `initial_lr`. Raises KeyError where it has not.

    >>> import autograd_lite as al
    >>> class Root(al.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / (1 + self.last_epoch) ** 0.5 for lr in self.base_lrs]
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Root(optimizer)
    >>> for _ in range(3): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    _is_initial = False
    closed: Callable[[float, int], float] | None = None

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a scheduler takes an optimizer, and got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"group {k} has no initial_lr: load the optimizer's state before going on from a step")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count, self._is_initial = 0, True
        self.step()
        self._is_initial = False

    def rate(self, lr: float, base: float, k: int) -> float:
        """The next learning rate of group k."""
        raise TypeError(f"{type(self).__name__} defines no rate(lr, base, k)")

    def get_lr(self) -> list[float]:
        """The learning rates at `last_epoch`, from those that the groups have now."""
        present = (group["lr"] for group in self.optimizer.param_groups)
        return [self.rate(lr, base, k) for k, (lr, base) in enumerate(zip(present, self.base_lrs, strict=True))]

    def get_last_lr(self) -> list[float]:
        """The learning rates that the last step has set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates; with `epoch` those of that epoch."""
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if epoch is None or self.closed is None:
            rates = self.get_lr()
        else:
            rates = [self.closed(base, k) for k, base in enumerate(self.base_lrs)]
        self._set(rates)

    def _set(self, rates: Sequence[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that it knows, but for the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.__dict__.update(state_dict)


def _per_group(value: Any, optimizer: Optimizer, name: str) -> list[Any]:
    """One value for each group. Raises ValueError for another number of them."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, list | tuple) else [value] * groups
    if len(values) != groups:
        raise ValueError(f"{name} has {len(values)} entries for {groups} groups of parameters")
    return values


class LambdaLR(LRScheduler):
    """The initial learning rate times a function of the epoch, one for all groups or one for each.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    >>> scheduler.step(); scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas = _per_group(lr_lambda, optimizer, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return float(base * self.lr_lambdas[k](self.last_epoch))

    def state_dict(self) -> dict[str, Any]:
        """All that it knows, but for the optimizer and functions; of objects that are called, their attributes."""
        kept = [
            None if not hasattr(f, "__dict__") or hasattr(f, "__code__") else vars(f).copy() for f in self.lr_lambdas
        ]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; the functions stay those given."""
        functions = self.lr_lambdas
        super().load_state_dict(state_dict)
        for function, inside in zip(functions, state_dict["lr_lambdas"], strict=True):
            if inside is not None:
                vars(function).update(inside)
        self.lr_lambdas = functions


class MultiplicativeLR(LambdaLR):
    """The learning rate times a function of the epoch, step upon step; one for all groups or one for each.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for _ in range(3): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return lr if self._is_initial else float(lr * self.lr_lambdas[k](self.last_epoch))


class StepLR(LRScheduler):
    """Times gamma every `step_size` epochs.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return lr if self.last_epoch == 0 or self.last_epoch % self.step_size else lr * self.gamma

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return float(base * self.gamma ** (self.last_epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """Times gamma at each of some epochs.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(4): scheduler.step(); print(scheduler.get_last_lr())
    [0.5]
    [0.5]
    [0.25]
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return float(lr * self.gamma ** self.milestones[self.last_epoch]) if self.last_epoch in self.milestones else lr

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return float(base * self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(k): int(n) for k, n in self.milestones.items()})


class ConstantLR(LRScheduler):
    """Times `factor` until epoch `total_iters`. Raises ValueError for a factor that is not from 0 to 1.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.ConstantLR(optimizer, factor=0.25, total_iters=2)
    >>> for _ in range(3): print(scheduler.get_last_lr()); scheduler.step()
    [0.25]
    [0.25]
    [1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"factor is from 0 to 1, and is {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        if self.last_epoch == 0:
            return lr * self.factor
        return lr * (1.0 / self.factor) if self.last_epoch == self.total_iters else lr

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return base * (self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor))


class LinearLR(LRScheduler):
    """Times a factor that goes from `start_factor` to `end_factor` in `total_iters` epochs.

    Raises ValueError for a start that is not over 0, and for factors over 1.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for _ in range(3): print(scheduler.get_last_lr()); scheduler.step()
    [0.5]
    [0.75]
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1 or not 0 <= end_factor <= 1:
            raise ValueError(f"start_factor is over 0, both are up to 1, and they are {start_factor}, {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        if self.last_epoch == 0:
            return lr * self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        rise = self.end_factor - self.start_factor
        return lr * (1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * part)


class ExponentialLR(LRScheduler):
    """Times gamma every epoch.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return lr if self._is_initial else lr * self.gamma

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return float(base * self.gamma**self.last_epoch)


class PolynomialLR(LRScheduler):
    """(1 - epoch / total_iters) to a power, times the initial learning rate; 0 from epoch `total_iters` on.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> for _ in range(2): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        if self._is_initial or self.last_epoch > self.total_iters:
            return lr
        now, before = (1.0 - epoch / self.total_iters for epoch in (self.last_epoch, self.last_epoch - 1))
        return float(lr * (now / before) ** self.power)

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return float(base * (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial learning rate to `eta_min` in `T_max` epochs, and back.

    eta_min + (lr - eta_min) (1 + cos(π epoch / T_max)) / 2 (Loshchilov and Hutter, 2017).

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    >>> for _ in range(5): scheduler.step()
    >>> round(scheduler.get_last_lr()[0], 6)
    0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:  # noqa: N803
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def _height(self, epoch: int) -> float:
        return 1.0 + math.cos(math.pi * epoch / self.T_max)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        if self._is_initial:
            return lr
        if self._step_count == 1 and self.last_epoch > 0:
            return self.closed(base, k)
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            return lr + (base - self.eta_min) * (1.0 - math.cos(math.pi / self.T_max)) / 2.0
        change = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return change * (lr - self.eta_min) + self.eta_min

    def closed(self, base: float, k: int) -> float:
        """As the base class has it."""
        return self.eta_min + (base - self.eta_min) * self._height(self.last_epoch) / 2.0
