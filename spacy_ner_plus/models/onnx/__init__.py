"""A tagger whose encoder runs on ONNX Runtime."""
