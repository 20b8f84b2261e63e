"""Modules and parameters in lists and dictionaries."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autograd_lite.core import Tensor
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.module import Module
from autograd_lite.nn.parameter import Parameter

if TYPE_CHECKING:
    from typing_extensions import Self


def _place(owner: Module, index: Any, size: int, end: int = 0) -> int:
    """An index from 0, of `size` things, or also just behind them. Raises IndexError out of range."""
    k = operator.index(index)
    if not -size <= k < size + end:
        raise IndexError(f"{type(owner).__name__}: index {k} is out of range for {size} items")
    return k + size if k < 0 else k


class _Modules(Module):
    """A list of modules, under the names "0", "1", ..."""

    def _put(self, items: Mapping[str, Module] | Iterable[Module]) -> None:
        """Have these modules and no others."""
        named = items.items() if isinstance(items, Mapping) else [(str(k), m) for k, m in enumerate(items)]
        for name, module in (named := list(named)):
            if not isinstance(module, Module):
                raise TypeError(f"{type(self).__name__} takes Modules, and item {name} is a {type(module).__name__}")
        for name in list(self._modules):
            delattr(self, name)
        for name, module in named:
            setattr(self, name, module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(dict(list(self._modules.items())[index]))
        return list(self._modules.values())[_place(self, index, len(self))]

    def _part(self, items: dict[str, Module]) -> Self:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        name = list(self._modules)[_place(self, index, len(self))]
        self._put({**self._modules, name: module})

    def __delitem__(self, index: int | slice) -> None:
        items = list(self._modules.values())
        del items[index if isinstance(index, slice) else _place(self, index, len(self))]
        self._put(items)

    def append(self, module: Module) -> Self:
        """One more at the end."""
        return self.extend([module])

    def extend(self, modules: Iterable[Module]) -> Self:
        """More at the end."""
        more = list(modules)
        self._put({**self._modules, **{str(len(self) + k): m for k, m in enumerate(more)}})
        return self

    def insert(self, index: int, module: Module) -> None:
        """One more before an index."""
        items = list(self._modules.values())
        items.insert(_place(self, index, len(items), end=1), module)
        self._put(items)

    def pop(self, key: int | slice) -> Any:
        """Take one out, or several."""
        taken = self[key]
        del self[key]
        return taken

    def __add__(self, other: Iterable[Module]) -> Self:
        made = self._part(dict(enumerate_names(self)))
        return made.extend(other)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)


def enumerate_names(items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The items, named "0", "1", ..."""
    return ((str(k), item) for k, item in enumerate(items))


class Sequential(_Modules, Layer):
    """Modules one after the other; also a list of them.

    Given one by one, or as a dict, whose names they take. Raises TypeError for what is no Module.

    >>> import autograd_lite as al
    >>> al.nn.Sequential(al.nn.Linear(2, 3), al.nn.Tanh())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
    )
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        super().__init__()
        self._put(args[0] if len(args) == 1 and isinstance(args[0], Mapping) else args)  # type: ignore[arg-type]

    def _part(self, items: dict[str, Module]) -> Self:
        return type(self)(items)

    def forward(self, input: Any) -> Any:
        """Through all of them, in order."""
        for module in self._modules.values():
            input = module(input)
        return input

    def __mul__(self, times: int) -> Self:
        """The same modules again and again."""
        return self._part(dict(enumerate_names(list(self) * times)))

    def __rmul__(self, times: int) -> Self:
        return self * times

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (times - 1))


class ModuleList(_Modules):
    """A list of modules, for a `forward` that goes through them in its own way.

    They are found by `parameters()` and the like, which those in an ordinary list are not. Raises TypeError for what
    is no Module, IndexError for an index out of range.

    >>> import autograd_lite as al
    >>> layers = al.nn.ModuleList([al.nn.Linear(2, 2) for _ in range(3)])
    >>> len(layers), len(layers[1:]), len(list(layers.parameters()))
    (3, 2, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self._put(() if modules is None else modules)

    def _part(self, items: dict[str, Module]) -> Self:
        return type(self)(items.values())


class ModuleDict(Module):
    """Modules by name, in order; from a dict, or pairs of names and modules.

    Raises KeyError for a name with a dot, or that of an attribute.

    >>> import autograd_lite as al
    >>> parts = al.nn.ModuleDict({"encoder": al.nn.Linear(4, 2), "decoder": al.nn.Linear(2, 4)})
    >>> list(parts), "encoder" in parts
    (['encoder', 'decoder'], True)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Put modules under their names."""
        for name, module in modules.items() if isinstance(modules, Mapping) else modules:
            self[name] = module

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.register_module(key, module)

    def __delitem__(self, key: str) -> None:
        self[key]  # a KeyError for a name that is not there
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()

    def pop(self, key: str) -> Any:
        """Take one out."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Take all out."""
        for key in list(self):
            del self[key]


def _as_parameter(value: Any) -> Any:
    """A tensor as a Parameter; anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters, under the names "0", "1", ...; tensors become parameters.

    >>> import autograd_lite as al
    >>> weights = al.nn.ParameterList([al.zeros(2, 3), al.zeros(3)])
    >>> [name for name, _ in weights.named_parameters()]
    ['0', '1']
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        self.extend(() if values is None else values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([self[k] for k in range(*index.indices(len(self)))])
        return getattr(self, str(_place(self, index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_place(self, index, len(self))), _as_parameter(value))

    def append(self, value: Any) -> Self:
        """One more at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """More at the end."""
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        """One line for each."""
        return "\n".join(f"({k}): {_said(value)}" for k, value in enumerate(self))


class ParameterDict(Module):
    """Parameters by name, in order; tensors become parameters. Two are joined by `|`.

    Raises KeyError for a name with a dot, or that of an attribute.

    >>> import autograd_lite as al
    >>> al.nn.ParameterDict({"scale": al.ones(3)})["scale"].requires_grad
    True
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        self.update({} if parameters is None else parameters)

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Put values under their names."""
        for name, value in parameters.items() if isinstance(parameters, Mapping) else parameters:
            self[name] = value

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self._keys:
            self._refuse_name(key)
        setattr(self, key, _as_parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and values."""
        return ((key, self[key]) for key in self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __or__(self, other: Mapping[str, Any] | ParameterDict) -> ParameterDict:
        return ParameterDict([*self.items(), *other.items()])

    def __ror__(self, other: Mapping[str, Any]) -> ParameterDict:
        return ParameterDict(other) | self

    def __ior__(self, other: Mapping[str, Any] | ParameterDict) -> Self:
        self.update(other.items())
        return self

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a name, or the default."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value under a name, which is the default from now on if there was none."""
        if key not in self._keys:
            self[key] = default
        return self[key]

    def copy(self) -> ParameterDict:
        """Another one with the same parameters."""
        return ParameterDict(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Another one, with these names and one value for all of them."""
        return ParameterDict((key, default) for key in keys)

    def popitem(self) -> tuple[str, Any]:
        """Take the last one out: its name and value. Raises KeyError where there is none."""
        if not self._keys:
            raise KeyError("popitem: this ParameterDict is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        """Take all out."""
        for key in list(self):
            del self[key]

    def pop(self, key: str) -> Any:
        """Take one out."""
        value = self[key]
        del self[key]
        return value

    def extra_repr(self) -> str:
        """One line for each."""
        return "\n".join(f"({key}): {_said(value)}" for key, value in self.items())


def _said(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    sizes = "x".join(map(str, value.shape))
    return f"{type(value).__name__} containing: [{value.dtype} of size {sizes}]"
