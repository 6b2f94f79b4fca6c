"""The verbs, one file each: what happens when a person or the clock does something to a case.

Each verb reads like its flow (lock, permit, advance, record, owe) and leaves the doing to :mod:`engine.verbs.case_work`. Only
:class:`engine.process_engine.ProcessEngine` opens the transaction and hands it in; nothing in this room commits.
"""
