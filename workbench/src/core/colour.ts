/** Colours that colour-blind people tell apart. Okabe & Ito 2008, "Color universal design"; the order puts the most distinct first. */

export const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a7a00", "#5b6670"] as const;
/** The same hues, lighter, for a dark ground. */
export const ON_DARK = ["#56b4e9", "#f0894a", "#2fc79b", "#e3a1c6", "#f2bd4b", "#9ad4f5", "#f0e442", "#a7b2bc"] as const;

export function dark(): boolean {
  return document.documentElement.dataset["theme"] === "dark";
}

export function series(i: number): string {
  const palette = dark() ? ON_DARK : OKABE_ITO;
  return palette[((i % palette.length) + palette.length) % palette.length] ?? palette[0];
}

/** A custom property of the page's theme, for canvases and SVG that leave the page. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function faded(hex: string, alpha: number): string {
  const n = Number.parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
}

/** Isodose levels from cold to hot: lightness rises along it (cividis-like ends, warm top), so that order shows without hue. */
export const ISODOSE = ["#3b6fd4", "#3fb6c9", "#57c785", "#d7d53f", "#f2994a", "#ff5d5d"] as const;
