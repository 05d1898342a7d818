import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { mock } from "./mock/server.ts";

const built = fileURLToPath(new URL("../src/gemel/service/page/built", import.meta.url));
const noZarr = fileURLToPath(new URL("src/viewer/no_zarr.ts", import.meta.url));

/** A gzipped copy beside every text that the page is made of: the server need not compress. */
function precompressed(): Plugin {
  return {
    name: "precompressed",
    apply: "build",
    enforce: "post",
    closeBundle() {
      for (const name of readdirSync(built, { recursive: true, encoding: "utf8" })) {
        if (/\.(js|css|html|svg)$/.test(name)) writeFileSync(join(built, `${name}.gz`), gzipSync(readFileSync(join(built, name)), { level: 9 }));
      }
    },
  };
}

// The mock answers only under `npm run dev` and `npm run preview` with GEMEL_MOCK=1; otherwise /api goes to a running `gemel serve`.
const target = process.env["GEMEL_SERVER"] ?? "http://127.0.0.1:8080";
const onwards = Object.fromEntries(["/api", "/login", "/dicom-web"].map((path) => [path, { target }]));

export default defineConfig({
  base: "./",
  resolve: { alias: { zarrita: noZarr } },
  plugins: [...(process.env["GEMEL_MOCK"] ? [mock()] : []), precompressed()],
  server: process.env["GEMEL_MOCK"] ? {} : { proxy: onwards },
  build: {
    outDir: built,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
});
