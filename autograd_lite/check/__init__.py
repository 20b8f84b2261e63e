"""Checking gradients against differences, and finding the op that is wrong; checking deltas written by hand."""

from autograd_lite.check.cause import Cause
from autograd_lite.check.delta_report import DeltaFinding, DeltaReport
from autograd_lite.check.deltas import check_deltas
from autograd_lite.check.gradcheck import gradcheck, gradgradcheck
from autograd_lite.check.modules import check_module
from autograd_lite.check.report import Finding, GradcheckError, Report
from autograd_lite.check.step_report import StepFinding, TrainingReport
from autograd_lite.check.training import check_training

__all__ = [
    "Cause",
    "DeltaFinding",
    "DeltaReport",
    "Finding",
    "GradcheckError",
    "Report",
    "StepFinding",
    "TrainingReport",
    "check_deltas",
    "check_module",
    "check_training",
    "gradcheck",
    "gradgradcheck",
]
