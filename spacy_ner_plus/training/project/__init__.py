"""Configs and folders to begin a training with, and the steps of a project."""
