import assert from "node:assert/strict";
import { test } from "node:test";
import { downstream, laidOut, upstream } from "../src/graph/layout.ts";
import type { Provenance } from "../src/api/types.ts";

const node = (id: string, kind: "event" | "original" | "decision") => ({ id, kind, label: id, at: null, tainted: false });
const graph: Provenance = {
  nodes: [...Array.from({ length: 59 }, (_, i) => node(`slice ${i}`, "original")), node("observed", "event"), node("learned", "event"), node("decided", "decision"), node("given", "event")],
  edges: [...Array.from({ length: 59 }, (_, i): [string, string] => [`slice ${i}`, "observed"]), ["observed", "learned"], ["learned", "decided"], ["observed", "decided"], ["decided", "given"]],
};

test("the slices of one scan are one node, and causes stand left of what rests on them", () => {
  const laid = laidOut(graph);
  assert.equal(laid.nodes.length, 5);
  assert.equal(laid.nodes.find((n) => n.kind === "original")?.members.length, 59);
  const layer = new Map(laid.nodes.map((n) => [n.id, n.layer]));
  for (const [a, b] of laid.edges) assert.ok(layer.get(a)! < layer.get(b)!, `${a} before ${b}`);
});

test("what rests on a scan falls with it, and nothing else", () => {
  assert.deepEqual([...downstream(graph.edges, "learned")].sort(), ["decided", "given"]);
  assert.equal(upstream(graph.edges, "decided").size, 61);
});

test("no two nodes stand in one place, and a cycle does not hang", () => {
  const laid = laidOut({ nodes: [node("a", "event"), node("b", "event"), node("c", "event")], edges: [["a", "b"], ["b", "a"], ["a", "c"]] });
  assert.equal(new Set(laid.nodes.map((n) => `${n.layer} ${n.row}`)).size, 3);
});
