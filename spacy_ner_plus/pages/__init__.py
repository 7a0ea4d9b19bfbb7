"""The look of every page and plot, which reports share."""
