"""All after the emissions, without thinc and spaCy: entities, losses, calibration."""
