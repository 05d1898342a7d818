import assert from "node:assert/strict";
import { test } from "node:test";
import { placed } from "../src/charts/scatter.ts";
import { aligned, extent } from "../src/charts/trace.ts";
import { logTicks, ticks } from "../src/charts/ticks.ts";
import { family, moments, scene } from "../src/viewer/scene.ts";
import { href, parse } from "../src/core/router.ts";
import type { ImageInfo, Trace } from "../src/api/types.ts";

const trace = (x: number[], y: number[], low: number[] = [], high: number[] = []): Trace => ({ name: "t", x, y, low, high, points: false, colour: 0 });

test("traces of different times share one axis and have gaps where they have no value", () => {
  const found = aligned([trace([0, 2], [1, 3], [0, 2], [2, 4]), trace([1, 2], [5, 6])]);
  assert.deepEqual(found.x, [0, 1, 2]);
  assert.deepEqual(found.traces[0]?.y, [1, null, 3]);
  assert.deepEqual(found.traces[0]?.high, [2, null, 4]);
  assert.deepEqual(found.traces[1]?.y, [null, 5, 6]);
  assert.equal(found.traces[1]?.band, false);
});

test("an extent holds all values, does not go below zero for what is positive, and is positive on a logarithmic axis", () => {
  assert.deepEqual(extent([0, 100, null, Number.NaN], false), [0, 106]);
  const [low] = extent([-5, 0, 0.1, 10], true);
  assert.ok(low > 0 && low < 0.1);
});

test("ticks are round and inside", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(logTicks(72, 306), [100, 200]);
  assert.deepEqual(logTicks(18, 31), [20, 25, 30]);
  assert.deepEqual(logTicks(0.9, 120), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(ticks(26.4, 27.1, 4), [26.4, 26.6, 26.8, 27]);
});

const image = (name: string, role: ImageInfo["role"], at: string | null): ImageInfo => ({ key: `${name} ${at}`, name, role, at, unit: "", window: [0, 1], shape: [1, 1, 1], spacing_mm: [1, 1, 1], url: "" });
const all = [image("CT", "scan", "2026-03-01"), image("CT", "scan", "2026-03-03"), image("regions", "structures", "2026-03-01"), image("dose of a (recommended)", "dose", "2026-03-02"), image("dose of b (recommended)", "dose", "2026-03-03"), image("density", "forecast", "2026-03-09")];

test("a moment shows the newest anatomy up to it, and never a dose of later", () => {
  const over = "dose of the recommended plan";
  assert.equal(family("dose of b (recommended)"), over);
  assert.equal(scene(all, "2026-03-02", over, "").anatomy?.at, "2026-03-01");
  assert.equal(scene(all, "2026-03-02", over, "").overlay?.name, "dose of a (recommended)");
  assert.equal(scene(all, "2026-03-01", over, "").overlay, null);
  assert.equal(scene(all, "2026-03-09", "density", "").anatomy?.at, "2026-03-03");
  assert.deepEqual(moments(all, "2026-03-03").map((m) => m.kind), ["scan", "scan", "scan", "forecast"]);
});

test("a place is its URL and back, whatever stands in it", () => {
  const place = parse(href(["twins", "a/b ü"], { at: "1,-2,3", hide: "A|B & C", none: null }));
  assert.deepEqual(place.path, ["twins", "a/b ü"]);
  assert.deepEqual([...place.query], [["at", "1,-2,3"], ["hide", "A|B & C"]]);
});

test("names in a crowd give way, that of the recommended plan last", () => {
  const dot = (name: string, left: number, top: number, strong = false) => ({ name, x: 0, y: 0, left, top, strong });
  const apart = placed([dot("one", 100, 100), dot("two", 250, 100)]);
  assert.deepEqual(apart.map((p) => p.dot.name), ["one", "two"]);
  const crowd = placed([...Array(12).keys()].map((i) => dot(`a plan of many words ${i}`, 200 + 3 * i, 120, i === 7)));
  assert.ok(crowd.length > 0 && crowd.length < 12);
  assert.equal(crowd[0]?.dot.name, "a plan of many words 7");
});
