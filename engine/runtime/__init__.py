"""The room where processes run: definitions, the SpiffWorkflow adapter and the safe expression language.

Everything the rest of the engine needs is named here. No other folder imports SpiffWorkflow.
"""

from engine.runtime.bundle import Bundle
from engine.runtime.decisions import Decision, DecisionResult, RowHit
from engine.runtime.definition import Definition, Element, definition_for
from engine.runtime.dictionary import Dictionary
from engine.runtime.execution import Execution
from engine.runtime.expressions import SafeEnvironment, evaluate
from engine.runtime.forms import Form, FormReading
from engine.runtime.parameters import Parameters
from engine.runtime.places import OpenTask, Step, Wait
from engine.runtime.surroundings import SERVICE_OPERATORS, Service, ServiceCall, Surroundings

__all__ = [
    "SERVICE_OPERATORS",
    "Bundle",
    "Decision",
    "DecisionResult",
    "Definition",
    "Dictionary",
    "Element",
    "Execution",
    "Form",
    "FormReading",
    "OpenTask",
    "Parameters",
    "RowHit",
    "SafeEnvironment",
    "Service",
    "ServiceCall",
    "Step",
    "Surroundings",
    "Wait",
    "definition_for",
    "evaluate",
]
