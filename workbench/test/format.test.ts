import assert from "node:assert/strict";
import { test } from "node:test";
import { named, number, percent, pretty, short, unitOf } from "../src/core/format.ts";

test("numbers have three figures, a true minus and no number is a dash", () => {
  assert.equal(number(0.012345), "0.0123");
  assert.equal(number(-12.345), "−12.3");
  assert.equal(number(123456), "123456");
  assert.equal(number(1.5e-7), "1.50e−7");
  assert.equal(number(null), "–");
  assert.equal(number(Number.NaN), "–");
  assert.equal(short(0.2), "0.2");
  assert.equal(short(100), "100");
});

test("a probability never rounds to certainty", () => {
  assert.equal(percent(0.999), "> 99 %");
  assert.equal(percent(0.001), "< 1 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.755), "76 %");
});

test("names of the record are taken apart into words and unit", () => {
  assert.deepEqual(named("prostate_mm[1]"), ["prostate y", "mm"]);
  assert.deepEqual(named("setup_mm[x]"), ["setup x", "mm"]);
  assert.deepEqual(named("BLADDER_V14.6_cc"), ["BLADDER V14.6", "cm³"]);
  assert.deepEqual(named("ln_bladder_ratio"), ["ln bladder ratio", ""]);
  assert.deepEqual(named("counts[2]"), ["counts 2", ""]);
  assert.deepEqual(named("ln_enhancing_mL"), ["ln(enhancing / mL)", ""]);
  assert.deepEqual(named("enhancing volume / mL"), ["enhancing volume", "mL"]);
  assert.deepEqual(named("D_mm2_s"), ["D", "mm²/s"]);
  assert.equal(pretty("CTV_D98_Gy >= 24.7"), "CTV D98 ≥ 24.7 Gy");
  assert.equal(pretty("dose / Gy"), "dose / Gy");
  assert.equal(unitOf("cm3"), "cm³");
});
