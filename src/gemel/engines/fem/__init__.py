"""Elasticity on voxels: the body is a stiffness by voxel and what is held; no anatomy here."""
