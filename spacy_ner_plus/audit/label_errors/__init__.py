"""Likely label errors: where models that have not seen a text read it otherwise, and are sure.

Confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in
Dataset Labels") for whole entities: the probabilities are those of readings of a stretch of text,
exact under the CRF, and not those of single tokens.
"""
