"""The link from one audit event to the next.

Each stream (a case, a person, the system) is a chain of its own: the hash of an event covers the hash before it and
the whole body. There is no global lock on the hot path; the order over all streams is given later, by the
checkpointer (DESIGN.md §3.9). The rule itself stands in the offline verifier, which can be read and run without us,
so that writer and checker can never disagree.
"""

from verifier.chain import GENESIS, seal

__all__ = ["GENESIS", "seal"]
