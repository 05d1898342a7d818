import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { mock } from "./mock/server.ts";

const built = fileURLToPath(new URL("../src/gemel/service/page/built", import.meta.url));
const licences = fileURLToPath(new URL("licences", import.meta.url));
const thirdParty = "third_party.md";
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

/** The licence of each package that the page holds, its text whole; a package that brings no text has it in `licences/`, or there is no page. */
function licensed(): Plugin {
  return {
    name: "licensed",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const told = bundle[thirdParty];
        if (told?.type !== "asset") throw new Error(`no ${thirdParty}: Vite's build.license makes it`);
        const [head, ...parts] = told.source.toString().split(/^(?=## )/m);
        told.source = [head, ...parts.map(whole)].join("");
      },
    },
  };
}

/** A section `## name - version (licence)` with its text. */
function whole(part: string): string {
  const [title, ...text] = part.split("\n");
  if (text.join("").trim()) return part;
  const name = title!.slice(3).split(" - ")[0]!;
  const kept = join(licences, `${name.replace("/", "__")}.txt`);
  if (!existsSync(kept)) throw new Error(`${name} comes without the text of its licence: put it into ${kept}`);
  return `${title}\n\n${readFileSync(kept, "utf8")}\n`;
}

// The mock answers only under `npm run dev` and `npm run preview` with GEMEL_MOCK=1; otherwise /api goes to a running `gemel serve`.
const target = process.env["GEMEL_SERVER"] ?? "http://127.0.0.1:8080";
const onwards = Object.fromEntries(["/api", "/login", "/dicom-web"].map((path) => [path, { target }]));

export default defineConfig({
  base: "./",
  resolve: { alias: { zarrita: noZarr } },
  plugins: [...(process.env["GEMEL_MOCK"] ? [mock()] : []), precompressed(), licensed()],
  server: process.env["GEMEL_MOCK"] ? {} : { proxy: onwards },
  build: {
    outDir: built,
    emptyOutDir: true,
    license: { fileName: thirdParty },
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
});
