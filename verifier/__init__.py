"""The offline verifier: says whether an audit trail or an evidence package is whole.

It needs the standard library and `cryptography`, and imports nothing of ours, so that a court, an auditor or a
competitor can read all of it in an hour and run it on a machine of their own: `python -m verifier evidence.zip`. The
rules of the proof stand here once; the engine's own check (`bangfu audit verify`) feeds its rows through the same
functions. What is not here: where events come from, who may see them, and how they are drawn.
"""
