/** NiiVue can read zarr over HTTP; gemel's server gives NIfTI. Its codecs (600 kB of wasm) stay out of the bundle, and wasm out of the CSP. */

function refuse(): never {
  throw new Error("zarr is not read in the browser: ask the server for the volume as NIfTI");
}

export const open = refuse;
export const get = refuse;
export const root = refuse;
export const slice = refuse;
export class FetchStore {
  constructor() {
    refuse();
  }
}
