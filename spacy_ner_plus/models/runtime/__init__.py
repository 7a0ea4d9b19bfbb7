"""Torch under thinc: shims, device, memory, optimizer."""
