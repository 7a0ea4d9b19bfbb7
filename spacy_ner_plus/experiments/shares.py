"""The shares of the data that a learning curve is measured at, where nobody names others.

Imports nothing: the command line shows them in its help.
"""

SHARES = (0.125, 0.25, 0.5, 1.0)
