/*
 * The page's arithmetic without a browser: numbers, times, buckets, who plays which part, and the
 * contrast of its colours. Bundles the sources of web/src for Node; prints TAP.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { check, done } from "./tap.mjs";

const WEB = new URL("../../web/", import.meta.url);
const { build } = createRequire(new URL("package.json", WEB))("esbuild");

const { outputFiles } = await build({
  stdin: {
    contents: ["format", "time", "buckets", "model", "scopemath", "calibmath"].map((m) => `export * from "./src/${m}";`).join("\n"),
    resolveDir: fileURLToPath(WEB),
  },
  bundle: true, format: "esm", write: false, logLevel: "warning",
});
const page = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

const nbsp = (s) => s.replace(/\u00a0/g, " ");
const each = (rows, body) => {
  for (const [why, ...row] of rows) {
    try {
      body(...row);
    } catch (error) {
      error.message = `${why}: ${error.message}`;
      throw error;
    }
  }
};
const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

await check("numbers are rounded once, signed truly, and change their unit where they round", () => {
  each([
    ["small power in W", page.watts, 812.4, "812 W"],
    ["rounds to 1000 W: already kW", page.watts, 999.6, "1.00 kW"],
    ["just below stays W", page.watts, 999.4, "999 W"],
    ["negative with a true minus", page.watts, -1850, "\u22121.85 kW"],
    ["what rounds to zero has no sign", page.watts, -0.3, "0 W"],
    ["energy of a day", page.energy, 5210.5, "5.21 kWh"],
    ["energy of years", page.energy, 1336479, "1,336 kWh"],
    ["99.996 kWh is not 100.00", page.energy, 99996, "100.0 kWh"],
    ["temperature below zero", page.celsius, -3.14, "\u22123.1 °C"],
    ["zero is a value", page.watts, 0, "0 W"],
  ], (f, v, want) => assert.equal(nbsp(page.text(f(v))), want));
});

await check("spans name two units at most and never round up", () => {
  each([
    ["under a second", 900, "0 s"], ["seconds", 59_999, "59 s"], ["whole minutes", 119_000, "1 min"],
    ["hours and minutes", 2 * HOUR + 5 * MIN + 59_000, "2 h 5 min"], ["whole hours", 3 * HOUR, "3 h"],
    ["days and hours", 3 * DAY + 4 * HOUR + 50 * MIN, "3 d 4 h"], ["a clock that ran backwards", -5000, "0 s"],
  ], (ms, want) => assert.equal(nbsp(page.span(ms)), want));
});

await check("times are the site's, whatever the browser's zone", () => {
  const t = Date.UTC(2026, 2, 29, 1, 30); // the hour London's summer time begins
  each([
    ["summer time has begun", "Europe/London", "02:30"], ["half-hour zone", "Asia/Kolkata", "07:00"],
    ["behind UTC", "America/New_York", "21:30"], ["midnight is 00, not 24", "Asia/Tokyo", "10:30"],
  ], (zone, want) => assert.equal(page.at(t, zone, "minute"), want));
  assert.equal(page.at(Date.UTC(2026, 0, 5), "UTC", "minute"), "00:00");
  assert.equal(page.usableZone("Mars/Olympus"), "UTC");
  assert.equal(page.zoneName(t, "Europe/London"), "BST");
});

await check("a step gives at most one bucket a pixel and is never under a minute", () => {
  each([
    ["a day on a phone", DAY, 300, 5 * MIN], ["a day on a laptop", DAY, 700, 3 * MIN], ["a day on a wall", DAY, 1440, MIN],
    ["more pixels than minutes", DAY, 5000, MIN], ["a month on a phone", 30 * DAY, 300, 3 * HOUR], ["no width yet", DAY, 0, DAY],
  ], (range, pixels, want) => {
    const step = page.stepFor(range, pixels);
    assert.equal(step, want);
    if (pixels > 0) assert.ok(range / step <= pixels);
  });
});

await check("a plan is aligned, holds the present, and spans the range", () => {
  const now = Date.UTC(2026, 10, 20, 11, 7, 31);
  const p = page.plan(now, DAY, 5 * MIN);
  assert.equal(p.from % (5 * MIN), 0);
  assert.ok(p.to > now && p.to - now <= 5 * MIN);
  assert.equal(p.to - p.from, DAY);
});

const grid = (n = 6) => page.gridOf({ from: 0, to: n * MIN, step: MIN }, ["elec", "heat"]);

await check("buckets the device left out are gaps, and nothing is filled in between", () => {
  const g = grid();
  page.fill(g, {
    time: [0, 2 * MIN, 5 * MIN],
    columns: [{ series: "hp_power", fn: "mean", values: [800, null, 820] }, { series: "other", fn: "mean", values: [1, 1, 1] }],
  }, { "hp_power mean": "elec" });
  assert.deepEqual(g.columns.elec, [800, null, null, null, null, 820]);
  assert.deepEqual(page.gaps([g.columns.elec]), [[1, 4]]);
});

await check("an answer outside the window or with a value that is no number changes nothing", () => {
  const g = grid();
  page.fill(g, { time: [-MIN, 6 * MIN, MIN], columns: [{ series: "a", fn: "mean", values: [1, 2, NaN] }] }, { "a mean": "elec" });
  assert.deepEqual(g.columns.elec, [null, null, null, null, null, null]);
});

await check("a missing bucket of the device does not wipe a live value", () => {
  const g = grid();
  g.columns.elec[5] = 700;
  page.fill(g, { time: [5 * MIN], columns: [{ series: "a", fn: "mean", values: [null] }] }, { "a mean": "elec" });
  assert.equal(g.columns.elec[5], 700);
});

await check("live values are averaged by time into the last bucket", () => {
  const g = grid();
  const f = page.filling(g, 5 * MIN + 10_000);
  assert.ok(page.append(g, f, 5 * MIN + 20_000, { elec: 100, heat: null }));
  assert.ok(page.append(g, f, 5 * MIN + 50_000, { elec: 200, heat: null }));
  assert.equal(g.columns.elec[5], (100 * 10 + 200 * 30) / 40);
  assert.equal(g.columns.heat[5], null);
});

await check("the device's mean of the bucket's first part keeps its weight", () => {
  const g = grid();
  g.columns.elec[5] = 1000;
  const f = page.filling(g, 5 * MIN + 30_000);
  page.append(g, f, 5 * MIN + 40_000, { elec: 0, heat: null });
  assert.equal(g.columns.elec[5], 750);
});

await check("the window slides with time; buckets nobody filled are gaps", () => {
  const g = grid();
  g.columns.elec = [1, 2, 3, 4, 5, 6];
  const f = page.filling(g, 5 * MIN + 30_000);
  assert.ok(page.append(g, f, 7 * MIN + 1000, { elec: 9, heat: null }));
  assert.deepEqual(g.columns.elec, [3, 4, 5, 6, null, 9]);
  assert.deepEqual([g.from, g.to, g.time[0], g.time[5]], [2 * MIN, 8 * MIN, 2 * MIN, 7 * MIN]);
});

await check("a clock that jumps asks for a new fetch instead of drawing", () => {
  each([["back", 4 * MIN], ["far ahead", 60 * MIN]], (to) => {
    const g = grid();
    const f = page.filling(g, 5 * MIN + 1000);
    assert.equal(page.append(g, f, to, { elec: 1, heat: 1 }), false);
    assert.deepEqual(g.columns.elec, [null, null, null, null, null, null]);
  });
});

await check("COP is a ratio of energies over buckets in which both were measured", () => {
  assert.equal(page.copOf([100, 100, null, 100], [400, -100, 999, null]), 1.5);
  assert.equal(page.copOf([0, 0], [0, 10]), null);
  assert.equal(page.copOf([null], [null]), null);
});

await check("summaries count only what was measured", () => {
  assert.deepEqual(page.summary([null, 2, 4]), { min: 2, max: 4, mean: 3, count: 2 });
  assert.equal(page.summary([null]), null);
  assert.equal(page.coverage([[1, null, null], [null, 2, null]]), 2 / 3);
});

await check("table rows are means of their buckets, and missing where none was measured", () => {
  const g = page.gridOf({ from: 0, to: 4 * MIN, step: MIN }, ["elec"]);
  g.columns.elec = [10, null, null, null];
  assert.deepEqual(page.rows(g, (t) => (t < 2 * MIN ? "a" : "b")), [{ label: "a", values: { elec: 10 } }, { label: "b", values: { elec: null } }]);
});

const channel = (source, quantity, more = {}) =>
  ({ id: `${source}_${quantity}`, source, quantity, label: source, value: 1, age_ms: 100, quality: "good", ...more });

await check("parts are found by role, else by quantity, never by a source's name", () => {
  const list = [channel("cellar", "flow_t"), channel("attic", "flow_t"), channel("x", "power"), channel("calc", "elec_power")];
  each([
    ["first of its quantity", "flow_t", undefined, "cellar_flow_t"], ["the role's channel", "flow_t", { flow_t: "attic_flow_t" }, "attic_flow_t"],
    ["derived power before the role's", "elec", { elec: "x" }, "calc_elec_power"], ["the role's source has no derived one", "heat", { heat: "x" }, "x_power"],
    ["nobody plays it", "room_t", {}, undefined],
  ], (part, roles, want) => assert.equal(page.pick(list, part, roles)?.id, want));
});

await check("a trend takes the series that covers the range, the derived one where both do", () => {
  const streams = (from, to) => [{ stream: "s", provenance: "measured", from, to }];
  const derived = { ...channel("calc", "heat_power"), streams: streams(90, 100) };
  const meter = { ...channel("meter", "power"), streams: streams(0, 90) };
  const roles = { heat: "meter" };
  each([
    ["history holds the meter only", 0, 100, [derived, meter], "meter_power"],
    ["both cover the last hour", 92, 100, [derived, { ...meter, streams: streams(0, 100) }], "calc_heat_power"],
    ["nobody has data there", 200, 300, [derived, meter], undefined],
  ], (from, to, list, want) => assert.equal(page.pickSeries(list, "heat", roles, { from, to })?.id, want));
});

const device = (more = {}) => ({
  time: 1_000_000, roles: { heat: "meter", flow_t: "meter_flow_t", grid: "mains", solar: "roof" },
  heatpump: { heat_power: 3000, flow_t: 34, room_t: null },
  channels: [channel("meter", "flow_t"), channel("meter", "power")],
  sources: [{ id: "meter", label: "Heat meter", state: "ok", cause: null, last: 940_000, counters: {} }], ...more,
});

await check("a doubt says why, by the source that delivers", () => {
  assert.equal(page.doubt(device(), "flow_t"), null);
  const stale = device({ sources: [{ id: "meter", label: "Heat meter", state: "stale", cause: "no answer to 3 polls", last: 940_000, counters: {} }] });
  assert.deepEqual(page.doubt(stale, "flow_t"), { why: "no answer to 3 polls", short: "stale", ageMs: 60_000 });
  assert.equal(page.doubt(stale, "heat").why, "no answer to 3 polls");
  assert.equal(page.doubt(device(), "room_t").why, "no sensor");
});

await check("circuits are the sources with a power and a current, in the device's order", () => {
  const rows = page.circuits([
    channel("b", "power"), channel("b", "current", { quality: "suspect" }), channel("meter", "power"), channel("meter", "flow_t"),
    channel("a", "power", { label: "Oven" }), channel("a", "import", { today: 5 }),
  ]);
  assert.deepEqual(rows.map((r) => [r.id, r.label, r.suspect]), [["b", "b", true], ["a", "Oven", false]]);
});

await check("solar energy does not depend on which way round the clamp sits", () => {
  for (const [made, other] of [["import", "export"], ["export", "import"]]) {
    const s = page.siteEnergy(device({ channels: [channel("roof", made, { today: 3000 }), channel("roof", other, { today: 20 }), channel("mains", "import", { today: 7 })] }));
    assert.deepEqual([s.solar, s.gridIn, s.gridOut], [3000, 7, null]);
  }
  assert.equal(page.siteEnergy(device({ roles: {} })).hasGrid, false);
});

const trace = (values, more = {}) => ({ source: "x", unit: "A", first_us: 30, rms: 1, thd: 0.1, lsb: 0.08, offset_lsb: 0, residue: 0.06, clipped: [], harmonics: null, values, ...more });
const waveform = (more = {}) => ({ samples: 4, step_us: 150, bits: 12, frequency: 50, minus: null, shift_deg: 0, voltage: trace([0, 20, 40, 60], { first_us: 10 }), current: trace([0, 1, -3, 2], { noise_lsb: 0.7, noise: 0.06 }), ...more });

await check("the clamps of the scope are the currents that come through a sampler", () => {
  const list = [channel("hp", "current", { feed: "clamps", label: "Heat pump" }), channel("hp", "power", { feed: "clamps" }), channel("meter", "current", { feed: "meter" }), channel("old", "current")];
  assert.deepEqual(page.clamps(device({ channels: list, sources: [{ id: "clamps", type: "samples" }, { id: "meter", type: "modbus" }] })), [{ id: "hp", label: "Heat pump" }]);
  assert.deepEqual(page.clamps(device({ channels: list, sources: [] })), []);
});

await check("each trace of a waveform has its own times, and the cursor reads the nearest sample of each", () => {
  const w = waveform();
  assert.deepEqual(page.times(w, w.voltage), [0.01, 0.16, 0.31, 0.46]);
  each([["before the first", -0.2, null], ["at the first", 0.03, 0], ["nearer to the second", 0.11, 1], ["the last", 0.5, 3], ["behind the last", 0.6, null]],
    (ms, want) => assert.equal(page.nearest(w, w.current, ms), want));
  assert.ok(page.reach(w.current) > 3 && page.reach(w.current) < 3.5);
  assert.equal(page.reach(null), 1);
});

await check("clipping and noise are said in words", () => {
  assert.deepEqual(page.clipping(waveform()), { clips: false, words: "Nothing clips." });
  const clips = waveform({ current: trace([0, 1, -3, 2], { clipped: [2, 3] }) });
  assert.equal(page.clipping(clips).clips, true);
  assert.match(page.clipping(clips).words, /2 of 4 samples of the current stand at the converter's limit/);
  assert.deepEqual(page.clippedOnly(clips.current), [null, null, -3, 2]);
  each([["usual", { noise_lsb: 0.7, noise: 0.06 }, /^Noise 0\.70 steps of the converter, 60\u00a0mA\.$/], ["quiet", { noise_lsb: 0.2, noise: 0.02 }, /so quiet/],
    ["loud", { noise_lsb: 2, noise: 0.2 }, /more than usual/], ["unknown", { noise_lsb: null, noise: null }, /not known yet/]],
  (more, want) => assert.match(page.noise(waveform({ current: trace([0], more) })), want));
  assert.doesNotMatch(page.noise(waveform({ bits: 16, current: trace([0], { noise_lsb: 9, noise: 0.05 }) })), /more than usual/);
});

await check("harmonics are shares of the fundamental, none of mere noise", () => {
  const harmonics = { rms: [10, 0.1, 1.2, 0, 0.7], angle_deg: [0, 1, 2, 3, 4] };
  const list = page.harmonics(waveform({ voltage: null, current: trace([0], { harmonics }) }));
  assert.equal(list.length, 5);
  assert.deepEqual([list[2].order, list[2].amps, list[2].ampsShare, list[2].ampsDeg, list[2].volts], [3, 1.2, 0.12, 2, null]);
  assert.equal(page.strongest(list, "ampsShare"), "3rd 12.0 %, 5th 7.0 %, 2nd 1.0 %");
  assert.equal(page.strongest(list, "voltsShare"), "none above half a per cent");
  const faint = page.harmonics(waveform({ current: trace([0], { thd: null, harmonics: { rms: [0.01, 0.02], angle_deg: [0, 0] } }) }));
  assert.equal(faint[1].ampsShare, null);
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 32].map(page.ordinal), ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "32nd"]);
});

await check("a time on the site's wall is an instant, through changes of the clock", () => {
  each([
    ["winter", "2027-01-15T08:30", "Europe/London", Date.UTC(2027, 0, 15, 8, 30)],
    ["summer", "2026-07-01T08:30", "Europe/Berlin", Date.UTC(2026, 6, 1, 6, 30)],
    ["half hours", "2026-07-01T08:30", "Asia/Kolkata", Date.UTC(2026, 6, 1, 3, 0)],
    ["before spring's change", "2026-03-29T01:30", "Europe/Berlin", Date.UTC(2026, 2, 29, 0, 30)],
    ["skipped: as if not changed", "2026-03-29T02:30", "Europe/Berlin", Date.UTC(2026, 2, 29, 1, 30)],
    ["behind spring's change", "2026-03-29T03:30", "Europe/Berlin", Date.UTC(2026, 2, 29, 1, 30)],
    ["twice: the first", "2026-10-25T02:30", "Europe/Berlin", Date.UTC(2026, 9, 25, 0, 30)],
    ["behind autumn's change", "2026-10-25T03:30", "Europe/Berlin", Date.UTC(2026, 9, 25, 2, 30)],
    ["seconds are cut", "2027-01-15T08:30:59", "UTC", Date.UTC(2027, 0, 15, 8, 30)],
    ["nonsense", "soon", "UTC", null],
  ], (wall, zone, want) => assert.equal(page.instant(wall, zone), want));
  assert.equal(page.wall(Date.UTC(2026, 11, 31, 23, 5), "Europe/Berlin"), "2027-01-01T00:05");
});

const input = (more = {}) => ({ id: "hp", label: "", kind: "clamp", model: null, class: null, gain: 1, gain_pct: null, phase_deg: 0, phase_half_deg: null, gain_number: null, phase_number: null, ...more });
const value = (more = {}) => ({ number: null, input: "hp", gain: null, gain_pct: null, phase_deg: null, phase_half_deg: null, ...more });

await check("what a calibration changes is told from what counts now", () => {
  const live = device({ channels: [["power", 1000], ["reactive_power", 500], ["current", 5]].map(([q, v]) => ({ ...channel("hp", q), value: v })) });
  const said = (i, e) => page.shifts(live, i, e).map((s) => nbsp(`${s.what} ${s.from} ${s.to}`));
  each([
    ["a gain", input(), value({ gain: 1.02 }), ["current 5.000 A 5.100 A", "power 1,000 W 1,020 W"]],
    ["a gain over another", input({ gain: 1.02 }), value({ gain: 1.02 }), ["current 5.000 A 5.000 A", "power 1,000 W 1,000 W"]],
    // 1000 cos 6 deg - 500 sin 6 deg = 942.3: a further lead takes from an inductive load
    ["a phase", input(), value({ phase_deg: 6 }), ["power 1,000 W 942.3 W"]],
    ["a phase over another", input({ phase_deg: 6 }), value({ phase_deg: 6 }), ["power 1,000 W 1,000 W"]],
  ], (i, e, want) => assert.deepEqual(said(i, e), want));
  assert.deepEqual(page.shifts(device({ channels: [] }), input(), value({ gain: 2 })), []);
  each([
    ["less than it is uncertain by", input(), value({ gain: 1.004, gain_pct: 0.5 }), true],
    ["more", input(), value({ gain: 1.006, gain_pct: 0.5 }), false],
    ["one of both is more", input(), value({ gain: 1.004, gain_pct: 0.5, phase_deg: 0.3, phase_half_deg: 0.1 }), false],
    ["against what counts", input({ gain: 1.006 }), value({ gain: 1.006, gain_pct: 0.1 }), true],
  ], (i, e, want) => assert.equal(page.withinDoubt(i, e), want));
});

await check("the usual input of a method is the role's, and voltages are for readings only", () => {
  const all = [input({ id: "mains", kind: "voltage" }), input({ id: "oven" }), input({ id: "grid" }), input()];
  const roles = { elec: "hp", grid: "grid" };
  each([["reading", "", "mains"], ["resistive", "", "oven"], ["meter", "", "hp"], ["sum", "", "grid"], ["sum", "oven", "oven"], ["meter", "mains", "hp"]].map((r) => [r.join(" "), ...r]),
    (method, chosen, want) => assert.equal(page.inputOf({ ...page.EMPTY, method, input: chosen }, all, roles).id, want));
  assert.equal(page.inputOf(page.EMPTY, [], roles), null);
});

/* WCAG 2.2, 1.4.3 and 1.4.11: relative luminance of sRGB. */
function contrast(a, b) {
  const luminance = (hex) => {
    const [r, g, b2] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b2;
  };
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}

await check("text has a contrast of 4.5 and lines of 3 in both themes, and both dark sets are one", () => {
  const css = readFileSync(new URL("src/style.css", WEB), "utf8");
  const sets = [...css.matchAll(/(:root[^{]*)\{([^}]*--bg[^}]*)\}/g)].map(([, , body]) => Object.fromEntries([...body.matchAll(/--(\w+): (#[0-9a-f]{6});/g)].map(([, k, v]) => [k, v])));
  assert.equal(sets.length, 3);
  assert.deepEqual(sets[1], sets[2]);
  for (const [theme, s] of [["light", sets[0]], ["dark", sets[1]]]) {
    for (const [ink, ground, least] of [
      ...["ink", "ink2", "bad", "warn", "ok", "elec", "heat", "cold", "return"].map((c) => [c, "card", 4.5]),
      ["ink", "bg", 4.5], ["ink2", "bg", 4.5], ["bad", "bg", 4.5], ["ink2", "soft", 4.5], ["ink", "soft", 4.5], ["bad", "soft", 4.5],
      ["warn", "warnbg", 4.5], ["ink", "badbg", 4.5], ["bad", "badbg", 4.5], ["card", "ink", 4.5],
      ...["flow", "return", "outside", "elec", "heat", "cold", "sun", "focus"].map((c) => [c, "card", 3]), ["elec", "soft", 3], ["outside", "soft", 3],
    ]) {
      const c = contrast(s[ink], s[ground]);
      assert.ok(c >= least, `${theme}: ${ink} on ${ground} has ${c.toFixed(2)}, needs ${least}`);
    }
  }
});

done();
