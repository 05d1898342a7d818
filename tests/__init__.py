"""The checker of annotations under pytest: beartype, with int accepted where float is meant (PEP 484)."""

from beartype import BeartypeConf, beartype

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
