import assert from "node:assert/strict";
import { test } from "node:test";
import { cell, named, natural, number, percent, plusMinus, pretty, short, told, unitOf } from "../src/core/format.ts";

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

test("a logarithm is read as its quantity, and a unit after a comma is a unit", () => {
  const volume = natural("ln_enhancing_mL");
  assert.deepEqual([volume.title, volume.unit, volume.of(0), volume.of(null)], ["enhancing", "mL", 1, null]);
  assert.deepEqual(named("outlined volume, mL"), ["outlined volume", "mL"]);
  assert.deepEqual(named("cells, % of the first visit"), ["cells", "% of the first visit"]);
  assert.deepEqual(named("AC 2-weekly, T 1-weekly"), ["AC 2-weekly, T 1-weekly", ""]);
});

test("a mean has no more decimals than its deviation tells", () => {
  assert.equal(plusMinus(173.0617, 2.71), "173.1 ± 2.7");
  assert.equal(plusMinus(0.50662, 1.23), "0.5 ± 1.2");
  assert.equal(plusMinus(-0.004, 0.35), "0.00 ± 0.35");
  assert.equal(plusMinus(-23.05, 4.84), "−23.1 ± 4.8");
});

test("cells of a system's table are words: ranges, minus signs, names, limits", () => {
  assert.equal(cell("0.22 (-1.21–1.52)"), "0.22 (−1.21 to 1.52)");
  assert.equal(cell("P(cover_1 >= 0.98) 88%"), "P(cover ≥ 0.98) 88 %");
  assert.equal(cell("2026-03-02T12:00"), "2026-03-02 12:00");
  assert.equal(cell("Re-188 in phase-01, 2e-05"), "Re-188 in phase-01, 2e−5");
  assert.equal(cell("AC 3-weekly, T 2-weekly"), "AC 3-weekly, T 2-weekly");
});

test("words of an entry name neither files' ends nor identifiers", () => {
  assert.equal(told("scan mri_2026-03-02T1500.nii."), "scan mri 2026-03-02T1500");
  assert.equal(told("scan 19#ea611bb2167c2356"), "scan 19");
  assert.equal(told("scan 2.25.3333417376038658295"), "scan");
  assert.equal(told("alarm: ln_noise_centre_1, tube_mAs_pct"), "alarm: ln noise centre, tube mAs");
});
