/** The one place that knows NiiVue: a picture of an anatomy and an overlay on three planes and in 3-D, with a cursor. BSD-2, niivue.com. */

import { DRAG_MODE, MULTIPLANAR_TYPE, Niivue, NVImage, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";
import { reduced, speck } from "./reduced.ts";
import { unlit } from "./unlit.ts";
import { arranged } from "./arrangement.ts";
import { box, flipped, step, type Plane } from "./geometry.ts";
import type { Vec3, Volume } from "./volume.ts";

export type Layout = "all" | Plane | "3d";
export type Drag = "window" | "pan" | "measure";

/** A volume to draw, with its window and colours. */
export interface Layer {
  readonly key: string;
  readonly volume: Volume;
  readonly window: readonly [number, number];
  readonly colours: string;
  readonly opacity: number;
}

/** Where a plane stands on the canvas (device pixels), and what of the patient it shows (RAS mm across and up). */
export interface Tile {
  readonly plane: Plane;
  readonly box: readonly [number, number, number, number];
  readonly corner: readonly [number, number];
  readonly extent: readonly [number, number];
  readonly depth: number;
}

export interface Events {
  readonly moved: (lps: Vec3) => void;
  readonly drawn: () => void;
  readonly windowed: (low: number, high: number) => void;
}

/** Above this a picture drawn in software takes seconds a frame. */
const MOST_VOXELS = 8e6;
/** And this many give the first picture at once; the finer one follows when it stands. */
const FIRST_VOXELS = 2e6;
const PLANES: readonly Plane[] = ["axial", "coronal", "sagittal"];
const LAYOUTS: Readonly<Record<Layout, SLICE_TYPE>> = {
  all: SLICE_TYPE.MULTIPLANAR,
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  "3d": SLICE_TYPE.RENDER,
};
const DRAGS: Readonly<Record<Drag, DRAG_MODE>> = { window: DRAG_MODE.contrast, pan: DRAG_MODE.pan, measure: DRAG_MODE.measurement };

export class Viewer {
  private readonly nv: Niivue;
  private readonly images = new Map<string, NVImage>();
  private layoutAsked: Layout = "all";
  /** What of the patient is shown, mm. */
  private extent: Vec3 = [1, 1, 1];
  /** Whether the browser draws without a graphics card. */
  readonly software: boolean;

  private constructor(nv: Niivue) {
    this.nv = nv;
    const told = nv.gl.getExtension("WEBGL_debug_renderer_info");
    this.software = told !== null && /swiftshader|llvmpipe|software/i.test(String(nv.gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
  }

  static async on(canvas: HTMLCanvasElement, events: Events): Promise<Viewer> {
    const nv = new Niivue({
      backColor: [0.04, 0.05, 0.06, 1],
      crosshairColor: [0.94, 0.89, 0.26, 0.85],
      crosshairWidth: 0.7,
      crosshairWidthUnit: "mm",
      crosshairGap: 6,
      fontColor: [0.8, 0.84, 0.88, 1],
      fontMinPx: 11,
      isSliceMM: true,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      isColorbar: false,
      isCornerOrientationText: true,
      dragAndDropEnabled: false,
      multiplanarLayout: MULTIPLANAR_TYPE.GRID,
      multiplanarShowRender: SHOW_RENDER.ALWAYS,
      multiplanarPadPixels: 4,
      show3Dcrosshair: true,
      clipPlaneColor: [0, 0, 0, 0],
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      viewModeHotKey: "",
      loadingText: "",
      logLevel: "error",
      isResizeCanvas: true,
    });
    await nv.attachToCanvas(canvas, true);
    unlit(nv);
    nv.onLocationChange = (location) => events.moved(flipped((location as { mm: Vec3 }).mm));
    nv.onIntensityChange = (image) => events.windowed(image.cal_min ?? 0, image.cal_max ?? 1);
    nv.setRenderAzimuthElevation(200, 12);
    nv.setScale(1.1);
    const draw = nv.drawScene.bind(nv);
    nv.drawScene = () => {
      const said = draw();
      events.drawn();
      return said;
    };
    return new Viewer(nv);
  }

  /** Shows an anatomy, and over it an overlay; the cursor stays where it is in the patient. `soon`: with fewer voxels, where drawing is slow. */
  async show(anatomy: Layer, overlay: Layer | null, cursor: Vec3 | null, soon = false): Promise<void> {
    const layers = overlay ? [anatomy, overlay] : [anatomy];
    const images = await Promise.all(layers.map((layer) => this.image(layer, soon ? FIRST_VOXELS : MOST_VOXELS)));
    layers.forEach((layer, i) => images[i] && dress(images[i], layer, i > 0));
    this.measure(anatomy.volume);
    this.nv.volumes = [];
    for (const image of images) this.nv.addVolume(image);
    if (cursor) this.moveTo(cursor);
    for (const key of [...this.images.keys()].slice(0, Math.max(0, this.images.size - 6))) {
      if (!layers.some((layer) => key.startsWith(layer.key))) this.images.delete(key);
    }
  }

  moveTo(lps: Vec3): void {
    const [x, y, z] = flipped(lps);
    this.nv.scene.crosshairPos = this.nv.mm2frac([x, y, z]);
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  /** Whether a layer is drawn with fewer voxels than it has. */
  coarse(layer: Layer): boolean {
    return this.software && layer.volume.samples.length > MOST_VOXELS;
  }

  /** Whether a picture that is wanted soon has fewer voxels than the one that can follow. */
  hurried(layer: Layer): boolean {
    return this.software && layer.volume.samples.length > FIRST_VOXELS && !this.images.has(named(layer, MOST_VOXELS));
  }

  /** Draws a few voxels where nobody sees them: what the first picture would wait for is done while its volume comes. */
  async warm(): Promise<void> {
    if (this.software) await this.show({ key: "nothing", volume: speck(), window: [0, 1], colours: "gray", opacity: 1 }, null, null);
  }

  overlayOpacity(opacity: number): void {
    if (this.nv.volumes.length > 1) this.nv.setOpacity(1, opacity);
  }

  layout(layout: Layout): void {
    this.layoutAsked = layout;
    this.nv.setSliceType(LAYOUTS[layout]);
    this.arrange();
  }

  /** Divides the picture again, for another patient or another size of the page. */
  arrange(): void {
    const { clientWidth, clientHeight } = this.nv.canvas ?? { clientWidth: 0, clientHeight: 0 };
    const at = arranged(this.extent, clientWidth / Math.max(clientHeight, 1));
    const all = [
      { sliceType: SLICE_TYPE.AXIAL, position: at.axial },
      { sliceType: SLICE_TYPE.CORONAL, position: at.coronal },
      { sliceType: SLICE_TYPE.SAGITTAL, position: at.sagittal },
      { sliceType: SLICE_TYPE.RENDER, position: at.render },
    ];
    this.nv.setCustomLayout(this.layoutAsked === "all" ? all : []);
  }

  /** Takes the size of what is shown: for the arrangement, and for lines of one thickness on the screen whatever its size. */
  private measure(v: Volume): void {
    const [low, high] = box(v);
    this.extent = [0, 1, 2].map((i) => (high[i] ?? 0) - (low[i] ?? 0) + step(v, i as 0 | 1 | 2)) as unknown as Vec3;
    const longest = Math.max(...this.extent);
    this.nv.opts.crosshairWidth = 0.0016 * longest;
    this.nv.opts.crosshairGap = 0.014 * longest;
    this.arrange();
  }

  drag(drag: Drag): void {
    this.nv.opts.dragMode = DRAGS[drag];
  }

  /** Cuts the 3-D picture open: the part in front of the patient's coronal plane through the middle is left away. */
  cut(open: boolean): void {
    this.nv.setClipPlane(open ? [0.05, 180, 10] : [2, 0, 0]);
  }

  refit(): void {
    this.nv.setPan2Dxyzmm([0, 0, 0, 1]);
    this.nv.drawScene();
  }

  /** The lookup table of a colour scale, RGBA from low to high. */
  scale(colours: string): Uint8ClampedArray {
    return this.nv.colormap(colours);
  }

  tiles(): Tile[] {
    return this.nv.screenSlices.flatMap((slice) => {
      const plane = PLANES[slice.axCorSag];
      const [left, top, width, height] = slice.leftTopWidthHeight;
      if (!plane || slice.AxyzMxy.length < 4 || left === undefined || top === undefined || width === undefined || height === undefined) return [];
      const pair = (v: ArrayLike<number>): [number, number] => [v[0] ?? 0, v[1] ?? 0];
      return [{ plane, box: [left, top, width, height] as const, corner: pair(slice.leftTopMM), extent: pair(slice.fovMM), depth: slice.AxyzMxy[2] ?? 0 }];
    });
  }

  redraw(): void {
    this.nv.drawScene();
  }

  end(): void {
    this.nv.cleanup();
    this.images.clear();
    this.nv.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private async image(layer: Layer, most: number): Promise<NVImage> {
    const name = named(layer, most);
    const known = this.images.get(name);
    if (known) return known;
    const file = new File([this.software ? reduced(layer.volume, most) : layer.volume.bytes], `${layer.key}.nii`);
    const image = await NVImage.loadFromFile({ file, name: `${layer.key}.nii`, colormap: layer.colours, opacity: layer.opacity, cal_min: layer.window[0], cal_max: layer.window[1] });
    if (!image) throw new Error("NiiVue did not take the volume");
    this.images.set(name, image);
    return image;
  }
}

/** A layer as it is held: a small volume is the same however soon it is wanted. */
function named(layer: Layer, most: number): string {
  return layer.volume.samples.length > most ? `${layer.key} ${most}` : layer.key;
}

function dress(image: NVImage, layer: Layer, over: boolean): void {
  image.cal_min = layer.window[0];
  image.cal_max = layer.window[1];
  image.colormap = layer.colours;
  image.opacity = layer.opacity;
  // 2: fades out towards the lower end of the scale instead of a hard edge.
  image.colormapType = over ? 2 : 0;
}
