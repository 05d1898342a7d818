"""What every model must show: checks on synthetic patients whose truth is known, put together into a credibility card."""

from gemel.flow.conformance.budget import FAST, FULL, Budget
from gemel.flow.conformance.course import Course
from gemel.flow.conformance.examine import SECTIONS, examine
from gemel.flow.conformance.pages import write
from gemel.flow.conformance.results import code_digest, keep, kept

__all__ = ["FAST", "FULL", "SECTIONS", "Budget", "Course", "code_digest", "examine", "keep", "kept", "write"]
