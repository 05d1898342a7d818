"""The peer's side of projection.py, in an interpreter with itk-rtk: projection_peer.py N REPEATS. Its axis of rotation is y."""

import json
import sys

import itk
import numpy as np
from itk import RTK as rtk
from projection import VIEWS, FIELD_mm, PANEL_mm, SOURCE_mm, centre_of, cylinder, timed

Volume = itk.Image[itk.F, 3]


def constant(size, spacing_mm, views=0):
    """An image of zeros centred on the axis; the third axis of a stack counts views."""
    source = rtk.ConstantImageSource[Volume].New()
    spacing = [spacing_mm, spacing_mm, 1.0 if views else spacing_mm]
    shape = [size, size, views or size]
    source.SetOrigin([-0.5 * (n - 1) * s for n, s in zip(shape, spacing)])
    source.SetSpacing(spacing)
    source.SetSize(shape)
    source.SetConstant(0.0)
    source.Update()
    return source.GetOutput()


def main(n, repeats):
    geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for view in range(VIEWS):
        geometry.AddProjection(SOURCE_mm, PANEL_mm, view * 360.0 / VIEWS)
    voxel = FIELD_mm / n
    volume = itk.image_from_array(np.ascontiguousarray(np.transpose(cylinder(n), (1, 2, 0))))  # z, y, x with the cylinder's axis along y
    volume.SetSpacing([voxel] * 3)
    volume.SetOrigin([-0.5 * (n - 1) * voxel] * 3)

    def project():
        joseph = rtk.JosephForwardProjectionImageFilter[Volume, Volume].New()
        joseph.SetInput(0, constant(n * 5 // 4, 1.5 * voxel, VIEWS))
        joseph.SetInput(1, volume)
        joseph.SetGeometry(geometry)
        joseph.Update()
        return joseph.GetOutput()

    def reconstruct():
        fdk = rtk.FDKConeBeamReconstructionFilter[Volume].New()
        fdk.SetInput(0, constant(n, voxel))
        fdk.SetInput(1, seen)
        fdk.SetGeometry(geometry)
        fdk.Update()
        return fdk.GetOutput()

    seen, wall_s, cpu_s = timed(project, repeats)
    found, back_wall_s, back_cpu_s = timed(reconstruct, repeats)
    row = {"forward_s": wall_s, "forward_cpu_s": cpu_s, "fdk_s": back_wall_s, "fdk_cpu_s": back_cpu_s}
    print(json.dumps({**row, "centre": centre_of(itk.array_from_image(found))}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
