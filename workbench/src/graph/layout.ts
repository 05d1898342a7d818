/** A layered drawing of what rests on what (Sugiyama, Tagawa & Toda 1981): causes left, consequences right, few crossings. */

import type { Provenance, ProvenanceNode } from "../api/types.ts";

export interface Placed extends ProvenanceNode {
  readonly layer: number;
  readonly row: number;
  readonly members: readonly ProvenanceNode[];
}

export interface Laid {
  readonly nodes: readonly Placed[];
  readonly edges: readonly (readonly [string, string])[];
  readonly layers: number;
  readonly rows: number;
}

/** Originals and artefacts that go into the same things become one node that counts them: 59 slices are one scan. */
export function grouped(graph: Provenance): { nodes: Map<string, readonly ProvenanceNode[]>; edges: [string, string][] } {
  const after = neighbours(graph.edges, 0);
  const before = neighbours(graph.edges, 1);
  const nodes = new Map<string, ProvenanceNode[]>();
  const home = new Map<string, string>();
  for (const node of graph.nodes) {
    const leaf = (node.kind === "original" || node.kind === "artefact") && !(before.get(node.id)?.length ?? 0);
    const key = leaf ? `${node.kind} ${node.tainted} ${[...(after.get(node.id) ?? [])].sort().join()}` : node.id;
    const members = nodes.get(key) ?? [];
    nodes.set(key, [...members, node]);
    home.set(node.id, key);
  }
  const seen = new Set<string>();
  const edges = graph.edges.flatMap(([a, b]): [string, string][] => {
    const [from, to] = [home.get(a), home.get(b)];
    if (!from || !to || from === to || seen.has(`${from}>${to}`)) return [];
    seen.add(`${from}>${to}`);
    return [[from, to]];
  });
  return { nodes, edges };
}

export function laidOut(graph: Provenance): Laid {
  const { nodes, edges } = grouped(graph);
  const layer = layered([...nodes.keys()], edges);
  const layers: string[][] = Array.from({ length: Math.max(-1, ...layer.values()) + 1 }, () => []);
  for (const [key, at] of layer) layers[at]?.push(key);
  order(layers, edges);
  const placed = layers.flatMap((keys, at) => keys.flatMap((key, row): Placed[] => {
    const members = nodes.get(key) ?? [];
    const first = members[0];
    return first ? [{ ...first, id: key, layer: at, row, members }] : [];
  }));
  return { nodes: placed, edges, layers: layers.length, rows: Math.max(0, ...layers.map((l) => l.length)) };
}

/** Each node one layer after the last that it rests on; a cycle, which a record cannot have, is cut where it closes. */
function layered(keys: readonly string[], edges: readonly (readonly [string, string])[]): Map<string, number> {
  const before = neighbours(edges, 1);
  const layer = new Map<string, number>();
  const open = new Set<string>();
  const place = (key: string): number => {
    const known = layer.get(key);
    if (known !== undefined) return known;
    if (open.has(key)) return 0;
    open.add(key);
    const found = Math.max(-1, ...(before.get(key) ?? []).map(place)) + 1;
    open.delete(key);
    layer.set(key, found);
    return found;
  };
  keys.forEach(place);
  // Leaves stand right before what they go into, not all at the far left.
  const after = neighbours(edges, 0);
  for (const key of keys) {
    if (layer.get(key) !== 0) continue;
    const next = (after.get(key) ?? []).map((k) => layer.get(k) ?? 1);
    if (next.length) layer.set(key, Math.max(0, Math.min(...next) - 1));
  }
  return layer;
}

/** Four sweeps of the barycentre rule. */
function order(layers: string[][], edges: readonly (readonly [string, string])[]): void {
  const before = neighbours(edges, 1);
  const after = neighbours(edges, 0);
  for (let sweep = 0; sweep < 4; sweep++) {
    const row = new Map(layers.flatMap((keys) => keys.map((key, i) => [key, i] as const)));
    const near = sweep % 2 ? after : before;
    for (const keys of layers) {
      const weight = (key: string): number => {
        const rows = (near.get(key) ?? []).map((k) => row.get(k) ?? 0);
        return rows.length ? rows.reduce((a, b) => a + b, 0) / rows.length : (row.get(key) ?? 0);
      };
      const weights = new Map(keys.map((key) => [key, weight(key)]));
      keys.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0));
    }
  }
}

function neighbours(edges: readonly (readonly [string, string])[], from: 0 | 1): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const edge of edges) found.set(edge[from], [...(found.get(edge[from]) ?? []), edge[from ? 0 : 1]]);
  return found;
}

/** Everything that rests on a node, itself excluded. */
export function downstream(edges: readonly (readonly [string, string])[], start: string): ReadonlySet<string> {
  return reached(neighbours(edges, 0), start);
}

/** Everything that a node rests on, itself excluded. */
export function upstream(edges: readonly (readonly [string, string])[], start: string): ReadonlySet<string> {
  return reached(neighbours(edges, 1), start);
}

function reached(near: ReadonlyMap<string, readonly string[]>, start: string): ReadonlySet<string> {
  const found = new Set<string>();
  const todo = [...(near.get(start) ?? [])];
  for (let key = todo.pop(); key !== undefined; key = todo.pop()) {
    if (found.has(key) || key === start) continue;
    found.add(key);
    todo.push(...(near.get(key) ?? []));
  }
  return found;
}
