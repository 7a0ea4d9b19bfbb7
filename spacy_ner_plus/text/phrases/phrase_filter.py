"""What hashes can't be those of phrases, or of their beginnings: two bits for each of many slots.

It is a Bloom filter with one hash function, for two sets at once: one look into a few megabytes
asks for both. With eight slots or more for a hash, at most an eighth of other hashes pass.
"""

from dataclasses import dataclass

import numpy as np

# The bits of a slot.
WHOLE, BEGINNING = 1, 2
_SLOTS_A_HASH = 8
_SLOTS_A_BYTE = 4
_MOST_BITS = 34


@dataclass(frozen=True)
class PhraseFilter:
    """The filter.

    slots: (2**k,) uint8, four slots each.
    """

    slots: np.ndarray

    @classmethod
    def of(cls, wholes: np.ndarray, beginnings: np.ndarray) -> "PhraseFilter":
        """Make one.

        wholes, beginnings: (n,) uint64 each, the hashes of phrases and of their beginnings.
        """
        n_slots = max(_SLOTS_A_BYTE, _SLOTS_A_HASH * (len(wholes) + len(beginnings)))
        n_bits = min(_MOST_BITS, int(n_slots - 1).bit_length())
        bits = np.zeros(1 << n_bits, dtype=np.uint8)  # (n_slots,)
        shift = np.uint64(64 - n_bits)
        bits[wholes >> shift] |= np.uint8(WHOLE)
        bits[beginnings >> shift] |= np.uint8(BEGINNING)
        slots = np.zeros(len(bits) // _SLOTS_A_BYTE, dtype=np.uint8)
        for i in range(_SLOTS_A_BYTE):
            slots |= bits[i::_SLOTS_A_BYTE] << np.uint8(2 * i)
        return cls(slots)

    def bits_of(self, hashes: np.ndarray) -> np.ndarray:
        """What each hash may be: WHOLE, BEGINNING, both or neither.

        hashes: (n,) uint64.
        RETURNS: (n,) uint8.
        """
        n_bits = (_SLOTS_A_BYTE * len(self.slots)).bit_length() - 1
        at = (hashes >> np.uint64(64 - n_bits)).view(np.int64)  # (n,)
        found = self.slots[at >> 2]
        found >>= ((at & 3) << 1).astype(np.uint8)
        found &= np.uint8(WHOLE | BEGINNING)
        return found
