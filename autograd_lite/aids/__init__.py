"""Aids around a training step: `lint` runs it a few times, and says what is probably a mistake."""

from autograd_lite.aids.lint import lint
from autograd_lite.aids.report import Finding, LintReport

__all__ = ["Finding", "LintReport", "lint"]
