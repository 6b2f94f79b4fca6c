"""Whatever is changed behind the engine's back in events and signatures is found, and the row is named (RELIABILITY.md F31)."""
