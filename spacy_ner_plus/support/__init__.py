"""What commands rest on: whole files, the run that was begun, extras, peak memory."""
