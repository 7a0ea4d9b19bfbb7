"""Pipelines behind HTTP: what `ner-plus serve` starts."""
