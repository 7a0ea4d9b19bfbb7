"""Where labels begin that are added to a head which has learned others."""

# By so much their scores are below those of no label: they are e**7, some thousand times, less
# probable, so that what has been learned about the others stays as it is.
NEW_LABEL_SCORE = -7.0
