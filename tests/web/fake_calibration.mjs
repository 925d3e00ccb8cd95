/*
 * What the made-up device's sensors are off by, for fake_api.mjs: values that were found, which of
 * them count, and answers to new ones. The finding itself is the daemon's; here a reading is taken
 * against 234.58 V or 4 A, a kettle shows a fixed angle, and meter and sum fixed gains.
 */
const DAY = 86_400_000;
const HERE = { voltage: 234.58, current: 4, power: 944 }; // by the nominal values

export class FakeCalibration {
  constructor(clamps) {
    const sensor = (id, label, kind, model, stated) => ({ id, label, kind, model, class: stated, nominal_ratio: 0.08, nominal_phase_deg: 2.5 });
    this.inputs = [
      sensor("mains", "Mains", "voltage", "OpenEnergyMonitor emonVs", null),
      ...clamps.map(([id, label], n) => (n < 8 ? sensor(id, label, "clamp", "YHDC SCT-013-000", "+-3 % from 10 to 120 A (maker)") : sensor(id, label, "clamp", null, null))),
    ];
    this.history = [];
    const past = Date.UTC(2026, 11, 20, 14, 5);
    this.keep({ input: "mains", method: "reading", note: "an instrument showed 236.1 V, good to 0.5 %; here 234.58", gain: 1.00647, gain_pct: 0.53 }, past);
    this.keep({ input: "hp", method: "resistive", note: "2012 W", phase_deg: -0.2108, phase_half_deg: 0.1 }, past + DAY);
  }

  entry(found, time) {
    return { number: null, gain: null, gain_pct: null, phase_deg: null, phase_half_deg: null, since: null, taken_back: null, counts: false, from: time - 10_000, to: time, time, ...found };
  }

  keep(found, time) {
    const e = { ...this.entry(found, time), number: this.history.length + 1 };
    this.history.push(e);
    return e;
  }

  newest(id, what) {
    return this.history.filter((e) => e.input === id && e[what] !== null && e.taken_back === null).pop() ?? null;
  }

  show(changes) {
    const inputs = this.inputs.map((i) => {
      const [gain, phase] = [this.newest(i.id, "gain"), this.newest(i.id, "phase_deg")];
      return {
        ...i, gain: gain?.gain ?? 1, gain_pct: gain?.gain_pct ?? null, phase_deg: phase?.phase_deg ?? 0, phase_half_deg: phase?.phase_half_deg ?? null,
        gain_number: gain?.number ?? null, phase_number: phase?.number ?? null,
      };
    });
    const counts = (e) => this.newest(e.input, "gain") === e || this.newest(e.input, "phase_deg") === e;
    return { inputs, history: this.history.map((e) => ({ ...e, counts: counts(e) })), changes };
  }

  found(body) {
    const base = { input: body.input, method: body.method, since: body.since ?? null };
    if (body.method === "reading") {
      const here = HERE[body.quantity ?? "voltage"];
      return [{ ...base, note: `an instrument showed ${body.value}, good to ${body.uncertainty_pct} %; here ${here}`, gain: body.value / here, gain_pct: body.uncertainty_pct + 0.03 }];
    }
    if (body.method === "resistive") return [{ ...base, note: "2012 W", phase_deg: 0.84, phase_half_deg: 0.11 }];
    if (body.method === "meter") return [{ ...base, note: `${body.meter}, good to ${body.uncertainty_pct} %: 112 blocks, 3.1 h, 4210 Wh`, gain: 1.0141, gain_pct: 0.62, phase_deg: -0.3, phase_half_deg: 0.2 }];
    return body.circuits.map((c) => ({ ...base, input: c.replace("-", ""), note: "24 h", gain: 0.9912, gain_pct: 1.1 }));
  }

  /* The answer to a POST. */
  find(body, now) {
    const found = this.found(body);
    const log = body.method === "meter" ? { blocks: 112, left_out: 1, hours: 3.1, energy: 4210, offset_w: 3.24, offset_half_w: 1.1 } : null;
    const calibrations = body.check ? found.map((f) => this.entry({ ...f, since: null }, now)) : found.map((f) => ({ ...this.keep(f, now), counts: true }));
    return { kept: !body.check, calibrations, log, corrections: body.since && !body.check ? 7 : null };
  }

  takeBack(number, now) {
    const e = this.history.find((x) => x.number === number && x.taken_back === null);
    if (!e) return null;
    e.taken_back = now;
    return { kept: true, calibrations: [e], log: null, corrections: 3 };
  }
}
