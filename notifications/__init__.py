"""From an owed message to a delivered one: templates, channels, and the delivery that retries and owns up to what it could not do.

The engine writes what is owed in the transaction of the deed; this package sends it afterwards, and asks the engine only through
its front door. In production, `postman_from_environment()` gives the handler that the embedded runner or a worker calls.
"""

from __future__ import annotations

from notifications.delivery import Postman, Report, RetryPauses, postman_from_environment
from notifications.templates import render

__all__ = ["Postman", "Report", "RetryPauses", "postman_from_environment", "render"]
