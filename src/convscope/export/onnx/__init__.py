"""Classifiers as ONNX models that are compared with the original before they are written."""

from .export import Exported, export_onnx

__all__ = ["Exported", "export_onnx"]
