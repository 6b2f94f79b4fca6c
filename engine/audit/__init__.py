"""The audit trail: events, signatures and checkpoints, what can be read from them, and what proves them."""
