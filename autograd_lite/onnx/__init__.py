"""Models as ONNX files, which other programs run."""

from autograd_lite.onnx.builder import ExportError
from autograd_lite.onnx.export import export

__all__ = ["ExportError", "export"]
