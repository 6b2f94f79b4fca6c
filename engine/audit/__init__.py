"""The audit trail: events and their chains, signatures, checkpoints, and what can be read from them and proved about them."""
