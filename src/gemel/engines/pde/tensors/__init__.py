"""Diffusion by a field of tensors, as links with conductances that are never under zero."""
