"""Configs and folders to begin a training with."""
