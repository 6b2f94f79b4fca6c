"""The room where processes run: definitions, the SpiffWorkflow adapter and the safe expression language.

Everything the rest of the engine needs is named here. No other folder imports SpiffWorkflow.
"""

from engine.runtime.definition import Definition, Element, definition_for
from engine.runtime.execution import Execution, OpenTask, Step, Wait
from engine.runtime.surroundings import SERVICE_OPERATORS, ServiceCall, Surroundings

__all__ = [
    "SERVICE_OPERATORS",
    "Definition",
    "Element",
    "Execution",
    "OpenTask",
    "ServiceCall",
    "Step",
    "Surroundings",
    "Wait",
    "definition_for",
]
