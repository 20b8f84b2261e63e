"""Checking gradients against differences, and finding the op that is wrong."""

from autograd_lite.check.gradcheck import gradcheck, gradgradcheck
from autograd_lite.check.modules import check_module
from autograd_lite.check.report import Finding, GradcheckError, Report

__all__ = ["Finding", "GradcheckError", "Report", "check_module", "gradcheck", "gradgradcheck"]
