// Runs the tests with node's own runner; Vite, which is here anyway, takes the types away.
import { readdirSync } from "node:fs";
import { createServer } from "vite";

globalThis.document = { baseURI: "http://localhost/" };
globalThis.sessionStorage = { getItem: () => null, setItem: () => undefined };

const vite = await createServer({ configFile: false, root: new URL("..", import.meta.url).pathname, server: { middlewareMode: true, hmr: false, watch: null, ws: false }, appType: "custom", logLevel: "error", optimizeDeps: { noDiscovery: true } });
for (const name of readdirSync(new URL(".", import.meta.url))) {
  if (name.endsWith(".test.ts")) await vite.ssrLoadModule(`/test/${name}`);
}
await vite.close();
