"""More schedules: cycles, schedules made of others, and one that looks at the loss."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_lite.optim.optimizer import Optimizer
from autograd_lite.optim.rates import LRScheduler, _per_group


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine down to `eta_min` in T_0 epochs, again in T_0 · T_mult, and so on (Loshchilov and Hutter, 2017).

    eta_min + (lr - eta_min) (1 + cos(π t / T)) / 2, t being the epochs since the last restart and T those to the next.
    `step(epoch)` takes fractions of epochs, too. Raises ValueError for a T_0 or T_mult under 1.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for _ in range(4): scheduler.step(); print(round(scheduler.get_last_lr()[0], 4))
    0.5
    1.0
    0.5
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803
        T_mult: int = 1,  # noqa: N803
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 < 1 or T_mult < 1:
            raise ValueError(f"T_0 and T_mult are at least 1, and are {T_0} and {T_mult}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def rate(self, lr: float, base: float, k: int) -> float:
        """As the base class has it."""
        return self.eta_min + (base - self.eta_min) * (1.0 + math.cos(math.pi * self.T_cur / self.T_i)) / 2.0

    def step(self, epoch: float | None = None) -> None:
        """Set the next learning rates, or those of an epoch. Raises ValueError for a negative one."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            self._go_to(epoch)
        self._step_count += 1
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())

    def _go_to(self, epoch: float) -> None:
        if epoch < 0:
            raise ValueError(f"an epoch is not negative, and this one is {epoch}")
        self.T_i, self.T_cur = self.T_0, epoch
        if epoch < self.T_0:
            return
        if self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n


class OneCycleLR(LRScheduler):
    """Up to `max_lr` and down again in `total_steps`, momentum (or β₁) the other way (Smith and Topin, 2018).

    A step here is one batch. It begins at max_lr / div_factor and ends at that divided by `final_div_factor`. Raises
    ValueError where the number of steps is not given, or a step is made beyond it.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = al.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.4)
    >>> for _ in range(4): print(round(scheduler.get_last_lr()[0], 4)); scheduler.step()
    0.04
    1.0
    0.75
    0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy is 'cos' or 'linear', and not {anneal_strategy!r}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"pct_start is from 0 to 1, and is {pct_start}")
        steps = total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0)
        if steps < 1:
            raise ValueError(f"OneCycleLR makes at least one step, and not {steps}")
        self.total_steps, self.anneal_strategy, self.cycle_momentum = steps, anneal_strategy, cycle_momentum
        up, keys = float(pct_start * steps), ("initial_lr", "max_lr", "min_lr")
        momenta = ("max_momentum", "base_momentum")
        self._phases: list[list[Any]] = [[up - 1, *keys[:2], *momenta], [steps - 1, *keys[1:], *momenta[::-1]]]
        if three_phase:
            middle = [2 * up - 2, *keys[1::-1], *momenta[::-1]]
            self._phases[1:] = [middle, [steps - 1, keys[0], keys[2], momenta[0], momenta[0]]]
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, _per_group(max_lr, optimizer, "max_lr"), strict=True):
                first = most / div_factor
                group.update(initial_lr=first, max_lr=most, min_lr=first / final_div_factor)
            if cycle_momentum:
                self._begin_momentum(optimizer, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _begin_momentum(self, optimizer: Optimizer, base: Any, most: Any) -> None:
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("cycle_momentum needs an optimizer with momentum or betas: pass cycle_momentum=False")
        lows, highs = (_per_group(v, optimizer, n) for v, n in ((base, "base_momentum"), (most, "max_momentum")))
        for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
            group.update(base_momentum=low, max_momentum=high)
            self._set_momentum(group, high)

    @staticmethod
    def _set_momentum(group: dict[str, Any], momentum: float) -> None:
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def _between(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * part))

    def get_lr(self) -> list[float]:
        """The learning rates at `last_epoch`; sets the groups' momenta."""
        step, start, rates = self.last_epoch, 0.0, []
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR was made for {self.total_steps} steps, and this is number {step}")
        for end, *named in self._phases:
            if step <= end or end == self._phases[-1][0]:
                names, part = named, (step - start) / (end - start)
                break
            start = end
        for group in self.optimizer.param_groups:
            first, last, *momenta = (group[name] for name in names if name in group)
            rates.append(self._between(first, last, part))
            if self.cycle_momentum:
                self._set_momentum(group, self._between(momenta[0], momenta[1], part))
        return rates


class ReduceLROnPlateau(LRScheduler):
    """Times `factor` where a number, given to `step`, has not got better for more than `patience` epochs.

    Better is lower with mode "min", higher with "max", by more than `threshold`, of itself ("rel") or as it is ("abs").
    After that `cooldown` epochs are waited. Raises ValueError for settings that make no sense.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = al.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (1.0, 1.0, 1.0): scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"factor is less than 1, and is {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"mode is 'min' or 'max', threshold_mode 'rel' or 'abs': {mode!r}, {threshold_mode!r}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a scheduler takes an optimizer, and got {type(optimizer).__name__}")
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown, self.eps = threshold, threshold_mode, cooldown, eps
        self.min_lrs = _per_group(min_lr, optimizer, "min_lr")
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at a number, and change the learning rates where it is time to."""
        now = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        better = self._better(now)
        self.best = now if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            rates = [group["lr"] for group in self.optimizer.param_groups]
            lower = [max(lr * self.factor, least) for lr, least in zip(rates, self.min_lrs, strict=True)]
            self._set([new if old - new > self.eps else old for old, new in zip(rates, lower, strict=True)])
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _better(self, now: float) -> bool:
        sign = 1.0 if self.mode == "max" else -1.0
        if self.threshold_mode == "rel":
            return sign * now > sign * (self.best * (1.0 + sign * self.threshold))
        return sign * now > sign * (self.best + sign * self.threshold)


class _Several(LRScheduler):
    """A schedule made of others, `_schedulers`."""

    _schedulers: list[LRScheduler]

    def _refuse(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name} is made of schedulers, and got none")
        for k, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau) and not isinstance(self, ChainedScheduler):
                raise ValueError(f"{name}: ReduceLROnPlateau needs a number in each step, and gets none here")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{name}: scheduler {k} belongs to another optimizer")

    def state_dict(self) -> dict[str, Any]:
        """All that it and its parts know, but for the optimizer."""
        own = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")}
        return {**own, "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Several):
    """One schedule after the other: `milestones` are the epochs at which the next one begins.

    Raises ValueError unless there is one milestone fewer than schedules, all of this optimizer.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm = al.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> fall = al.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = al.optim.lr_scheduler.SequentialLR(optimizer, [warm, fall], milestones=[2])
    >>> for _ in range(4): print(scheduler.get_last_lr()); scheduler.step()
    [0.5]
    [0.5]
    [1.0]
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._refuse(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones")
        self.optimizer, self._schedulers, self._milestones = optimizer, list(schedulers), list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        queue: list[LRScheduler] = list(schedulers)
        while queue:  # their constructors have made a step each, upon one another
            scheduler = queue.pop()
            if isinstance(scheduler, _Several):
                queue += scheduler._schedulers
            else:
                scheduler.last_epoch -= 1
        schedulers[0]._initial_step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates."""
        if epoch is not None:
            raise TypeError("SequentialLR.step takes no epoch")
        self.last_epoch += 1
        k = bisect_right(self._milestones, self.last_epoch)
        if k and self._milestones[k - 1] == self.last_epoch:
            self._schedulers[k].step(0)
        else:
            self._schedulers[k].step()
        self._last_lr = self._schedulers[k].get_last_lr()


class ChainedScheduler(_Several):
    """Several schedules at once, each upon what the one before has set.

    Raises ValueError unless all are of one optimizer.

    >>> import autograd_lite as al
    >>> optimizer = al.optim.SGD([al.zeros(1, requires_grad=True)], lr=1.0)
    >>> half = al.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> tenth = al.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    >>> scheduler = al.optim.lr_scheduler.ChainedScheduler([half, tenth])
    >>> for _ in range(2): scheduler.step()
    >>> scheduler.get_last_lr()
    [0.025]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = optimizer or schedulers[0].optimizer if schedulers else optimizer  # type: ignore[assignment]
        self._refuse(schedulers, self.optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates."""
        if epoch is not None:
            raise TypeError("ChainedScheduler.step takes no epoch")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._schedulers[-1].get_last_lr()
