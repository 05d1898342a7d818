/** A small stand-in for `gemel serve`, for working on the pages: `GEMEL_MOCK=1 npm run dev`. One invented twin, no state. */

import { gzipSync } from "node:zlib";
import type { Connect, Plugin } from "vite";
import { answers } from "./answers.ts";
import { phantom } from "./phantom.ts";

export function mock(): Plugin {
  return {
    name: "mock",
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}

const answer: Connect.NextHandleFunction = (request, response, next) => {
  const path = (request.url ?? "").split("?")[0] ?? "";
  if (!path.startsWith("/api")) return next();
  const image = /\/images\/(ct|dose|labels)/.exec(path)?.[1];
  if (image) return void response.writeHead(200, { "Content-Type": "application/gzip" }).end(gzipSync(phantom(image)));
  const body = answers[path.replace("/api/", "").replace(/twins\/[^/]+/, "twins/ID")];
  response.writeHead(body === undefined ? 404 : 200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body ?? { title: "There is no such thing in the mock", status: 404, detail: path, remedy: "run against `gemel serve`" }));
};
