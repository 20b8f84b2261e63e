"""How the models of several holders become one: what each sends, what is added up, and who opens the sum.

Every holder has a part of its own, of the same class. Holder 0 adds up what the others send. It sees models where they
are sent in the clear, and noise where they are masked or encrypted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.records import Array

FRACTION = 28  # bits after the point, where weights are whole numbers
LIMIT = 8.0  # weights are below, in size: 4 bits with the sign
SLOT = 5  # bytes for the sum of a weight over holders: 4 + 28 bits, and 8 for the sum
MOST = 1 << (8 * SLOT - 32)  # holders
BITS = 2048  # of a Paillier key


def fixed(model: Array) -> Array:
    """Weights as whole multiples of 2**-28, the nearest. Raises ValueError for one of 8 or more in size, or NaN.

    >>> fixed(np.array([0.5, -1.0])).tolist()
    [134217728, -268435456]
    """
    if not np.all(np.abs(model) < LIMIT - 2.0**-FRACTION):
        raise ValueError(f"weights are not below {LIMIT:g} in size, the largest is {np.max(np.abs(model))}; see LIMIT")
    return np.rint(model * 2.0**FRACTION).astype(np.int64)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f'{error}: this aggregation needs pip install "autograd_lite[federated]"') from error


class Mean:
    """Federated averaging: models are sent as they are, and their mean is the next.

    All count alike, as in the text. (McMahan et al., 2017, weigh by the number of examples.)

    >>> parts = [Mean(rank, 2) for rank in range(2)]
    >>> sent = [part.seal(np.array([value]), turn=0) for part, value in zip(parts, (1.0, 4.0))]
    >>> parts[0].open(parts[0].combine(sent))
    array([2.5])
    """

    clear = True  # holder 0 sees the models

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    @property
    def opener(self) -> int:
        """The holder who can read the sum."""
        return 0

    def offer(self) -> bytes:
        """What all the others are told before the first round: a public key."""
        return b""

    def accept(self, offers: Sequence[bytes]) -> None:
        """Take in what all have told, in the order of the holders."""

    def seal(self, model: Array, turn: int) -> Array:
        """What this holder sends to holder 0 in round `turn`."""
        return model

    def combine(self, sent: Sequence[Array]) -> Array:
        """What holder 0 makes of that, and sends to the opener."""
        mean: Array = np.mean(sent, axis=0)
        return mean

    def open(self, combined: Array) -> Array:
        """The next model, which the opener tells all."""
        return combined


class AsPrinted(Mean):
    """What the text decrypts: each holder's encrypted model takes the place of the one before, none is added.

    The encryption is left out, since it changes nothing in what comes out.

    >>> AsPrinted(0, 2).combine([np.array([1.0]), np.array([4.0])])
    array([2.])
    """

    def combine(self, sent: Sequence[Array]) -> Array:
        """The last model, divided by the number of holders."""
        return sent[-1] / self.size


class Masked(Mean):
    """Secure aggregation with additive masks (after Bonawitz et al., 2017): what is sent is noise, the sum is the sum.

    Each pair of holders agrees on a key by X25519, which nobody else has; ChaCha20 makes of it, each round anew, a
    random number modulo 2**64 for every weight, that one of the two adds and the other takes off. Without holders who
    drop out, and with public keys that are taken to be whose they say. Raises ImportError without `cryptography`.
    """

    clear = False

    def __init__(self, rank: int, size: int) -> None:
        super().__init__(rank, size)
        self._x25519 = _library("cryptography.hazmat.primitives.asymmetric.x25519")
        self._own = self._x25519.X25519PrivateKey.generate()
        self._keys: dict[int, bytes] = {}

    def offer(self) -> bytes:
        """The public half of a key of one's own."""
        public: bytes = self._own.public_key().public_bytes_raw()
        return public

    def accept(self, offers: Sequence[bytes]) -> None:
        """Agree with every other holder on a key."""
        hkdf = _library("cryptography.hazmat.primitives.kdf.hkdf").HKDF
        sha256 = _library("cryptography.hazmat.primitives.hashes").SHA256
        for other, offered in enumerate(offers):
            if other != self.rank:
                secret = self._own.exchange(self._x25519.X25519PublicKey.from_public_bytes(offered))
                info = b"autograd_lite masks" + offers[min(self.rank, other)] + offers[max(self.rank, other)]
                self._keys[other] = hkdf(sha256(), 32, salt=None, info=info).derive(secret)

    def seal(self, model: Array, turn: int) -> Array:
        """The weights as whole numbers modulo 2**64, under the masks of all pairs that this holder is in."""
        total: Array = fixed(model).view(np.uint64)
        for other, key in self._keys.items():
            mask = _noise(key, turn, total.size)
            (np.add if self.rank < other else np.subtract)(total, mask, out=total)
        return total

    def combine(self, sent: Sequence[Array]) -> Array:
        """The sum, in which the masks cancel."""
        total: Array = np.add.reduce(np.stack(sent))
        return total

    def open(self, combined: Array) -> Array:
        """The mean as weights."""
        return combined.view(np.int64) / (self.size * 2.0**FRACTION)


def _noise(key: bytes, turn: int, count: int) -> Array:
    """So many numbers of 64 bits that only who has the key can tell from random; others in another round."""
    ciphers = _library("cryptography.hazmat.primitives.ciphers")
    start = bytes(4) + turn.to_bytes(12, "little")  # the block counter, then the nonce
    stream = ciphers.Cipher(ciphers.algorithms.ChaCha20(key, start), mode=None).encryptor()
    return np.frombuffer(stream.update(bytes(8 * count)), "<u8")


class Paillier(Mean):
    """Secure aggregation under Paillier's encryption (1999), of which sums can be made without the private key.

    The last holder makes the keys and opens the sum; holder 0 multiplies ciphertexts, which adds what is in them, and
    cannot open them. One ciphertext holds many weights, each in 5 bytes. `bits` is the length of the key. Raises
    ImportError without `phe`, ValueError for more holders than a sum has room for.
    """

    clear = False

    def __init__(self, rank: int, size: int, bits: int = BITS) -> None:
        super().__init__(rank, size)
        if size > MOST:
            raise ValueError(f"{size} holders, and a sum has room for {MOST}: see SLOT")
        self._phe, self._bits, self._count = _library("phe"), bits, 0
        self._private: Any = None

    @property
    def opener(self) -> int:
        """The holder of the private key, who is not the one who adds up, where there are two."""
        return self.size - 1

    def offer(self) -> bytes:
        """The public key, of the one who makes it."""
        if self.rank != self.opener:
            return b""
        public, self._private = self._phe.generate_paillier_keypair(n_length=self._bits)
        return int(public.n).to_bytes(self._bits // 8 + 1, "little")

    def accept(self, offers: Sequence[bytes]) -> None:
        """The public key, by which all encrypt."""
        self._public = self._phe.PaillierPublicKey(int.from_bytes(offers[self.opener], "little"))
        length = self._public.n.bit_length()
        self._slots, self._width = (length - 1) // (8 * SLOT), 2 * length // 8 + 1

    def seal(self, model: Array, turn: int) -> Array:
        """Ciphertexts, a row of bytes each."""
        self._count = model.size
        numbers = np.zeros(-(-model.size // self._slots) * self._slots, "<u8")
        numbers[: model.size] = fixed(model) + (1 << 31)  # none is negative
        rows = numbers.view(np.uint8).reshape(-1, self._slots, 8)[..., :SLOT]
        return self._rows([self._public.raw_encrypt(int.from_bytes(row.tobytes(), "little")) for row in rows])

    def combine(self, sent: Sequence[Array]) -> Array:
        """The ciphertexts of the sums."""
        ciphertexts = zip(*map(self._numbers, sent), strict=True)
        return self._rows([sum(same[1:], same[0]).ciphertext(be_secure=False) for same in ciphertexts])

    def open(self, combined: Array) -> Array:
        """The mean as weights."""
        wide = self._slots * SLOT
        sums = [self._private.raw_decrypt(number.ciphertext(be_secure=False)) for number in self._numbers(combined)]
        raw = b"".join(int(one).to_bytes(wide, "little") for one in sums)
        numbers = np.zeros((len(sums) * self._slots, 8), np.uint8)
        numbers[:, :SLOT] = np.frombuffer(raw, np.uint8).reshape(-1, SLOT)
        total = numbers.view("<u8")[: self._count, 0].astype(np.int64) - (self.size << 31)
        return total / (self.size * 2.0**FRACTION)

    def _rows(self, numbers: Sequence[int]) -> Array:
        raw = b"".join(int(number).to_bytes(self._width, "little") for number in numbers)
        return np.frombuffer(raw, np.uint8).reshape(-1, self._width)

    def _numbers(self, rows: Array) -> list[Any]:
        numbers = (int.from_bytes(row.tobytes(), "little") for row in rows)
        return [self._phe.EncryptedNumber(self._public, number) for number in numbers]


KINDS: dict[str, type[Mean]] = {"mean": Mean, "masked": Masked, "paillier": Paillier, "as-printed": AsPrinted}
