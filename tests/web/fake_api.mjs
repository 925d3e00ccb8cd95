/*
 * A device for the page alone: serves the built page and the API of docs/HTTP_API.md over a made-up
 * house, with thirty days of simulated history. For developing (`node tests/web/fake_api.mjs`
 * after `npm run build` in web/) and for page_test.mjs, which makes it misbehave.
 *
 *   node tests/web/fake_api.mjs [--port N] [--dist DIR] [--speed X]
 */
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FakeCalibration } from "./fake_calibration.mjs";
import { CLAMPS, energyWh, outside, pump, solar } from "./house.mjs";

const MIN = 60_000;
const DAY = 86_400_000;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
/* The policy of web/assets.h, word for word. */
export const POLICY = readFileSync(new URL("../../web/assets.h", import.meta.url), "utf8")
  .match(/WEB_CONTENT_SECURITY_POLICY\s*\\\n((?:\s*"[^"]*"\s*\\?\n)+)/)[1]
  .match(/"[^"]*"/g).map((s) => s.slice(1, -1)).join("");

const round = (v, digits) => (v === null ? null : Number(v.toFixed(digits)));

/* The knobs a test turns; values of a healthy device. */
export const healthy = () => ({
  meter: "ok", // state of the heat meter; "stale" takes its values away
  provenance: "simulated",
  silent: false, // no live events though connected
  refuse: false, // 503 on the event stream, open ones are cut
  queryFails: false,
  suspect: null, // a clamp whose reading is doubted
  negative: false, // defrost now
  roles: true,
  bare: false, // just started: nothing measured, no series, no log yet
  zone: "Europe/London", // of the site; the made-up midnight stays London's
  clips: false, // the scope's clamp draws more than its input can show
  asleep: false, // no samples come
  gap: null, // [from, to) of history that is missing, as ages in ms
  changes: true, // requests that change something are taken
});

/* What a search of the first port finds, one after the other. */
const METERS = [
  {
    key: "mbus 72337193", port: "/dev/ttyUSB0", tcp: null, protocol: "mbus", baud: 2400, parity: "even", address: 5, secondary: "72337193 2D2C 40 04",
    maker: "KAM", model: "Kamstrup MULTICAL 403", serial: "72337193", medium: "heat", collision: false, configured_as: "heatmeter", note: null,
    values: [{ quantity: "heat", value: 1234000, unit: "Wh" }], source: null, yaml: null,
  },
  {
    key: "mbus 11223344", port: "/dev/ttyUSB0", tcp: null, protocol: "mbus", baud: 2400, parity: "even", address: 9, secondary: "11223344 4D6A 01 04",
    maker: "SON", model: "Sontex Supercal 531", serial: "11223344", medium: "heat", collision: false, configured_as: null, note: null,
    values: [{ quantity: "heat", value: 512000, unit: "Wh" }, { quantity: "flow_t", value: 34.25, unit: "degC" }, { quantity: "return_t", value: null, unit: "degC" }],
    source: { id: "sontex", type: "mbus", port: "/dev/ttyUSB0", address: 9 }, yaml: "  - id: sontex\n    type: mbus\n    port: /dev/ttyUSB0\n    address: 9\n",
  },
  {
    key: "mbus collision 3", port: "/dev/ttyUSB0", tcp: null, protocol: "mbus", baud: 2400, parity: "even", address: 3, secondary: null,
    maker: null, model: null, serial: null, medium: null, collision: true, configured_as: null, note: "Two meters answer at address 3: give one of them another.", values: [], source: null, yaml: null,
  },
];

export class FakeDevice {
  constructor({ dist, speed = 1, start = Date.now(), knobs = healthy() }) {
    this.dist = dist;
    this.knobs = knobs;
    this.born = Date.now();
    this.started = start; // the device's own clock, when it was born
    this.speed = speed;
    this.streams = new Set();
    this.polls = 120;
    this.looks = []; // [channel, cycles] of each waveform asked for
    this.meterLast = this.started;
    this.search = { id: 0, state: "idle", ports: [], protocols: [], progress: null, found: [], problems: [] };
    this.calibration = new FakeCalibration(CLAMPS);
    this.asked = []; // bodies of requests that changed something
    this.journal = [];
    this.note("started", null, "heatwatt 0.1.0 started, boot 3.", null);
    this.note("register_swap", "heatmeter", "The register stands elsewhere: 5230100 Wh before, 1230100 Wh after.");
  }

  /* A new entry of the journal, told to all who listen. */
  note(kind, source, text, time = this.now()) {
    const entry = { seq: this.journal.length + 1, time, kind, source, feed: source, channel: null, meter: null, unit: null, before: null, after: null, offset: null, offset_counts: null, text };
    this.journal.unshift(entry);
    for (const s of this.streams) s.write(`event: journal\ndata: ${JSON.stringify(entry)}\n\n`);
  }

  now() {
    return Math.round(this.started + (Date.now() - this.born) * this.speed);
  }

  midnight(t) {
    return t - (t % DAY); // the fake house lies in London, in winter
  }

  energies(from, to) {
    const elec = energyWh((t) => pump(t).elec, from, to);
    const heat = energyWh((t) => pump(t).heat, from, to);
    const negative = energyWh((t) => pump(t).heat, from, to, -1);
    return { elec: round(elec, 1), heat: round(heat, 1), negative_heat: round(negative, 1), cop: elec > 0 ? round((heat - negative) / elec, 3) : null };
  }

  channels(t) {
    const list = [];
    const midnight = this.midnight(t);
    const add = (source, quantity, unit, label, value, digits, more = {}) =>
      list.push({ id: `${source}_${quantity}`, source, quantity, unit, label, kind: "gauge", value: round(value, digits), age_ms: 300, quality: value === null ? "missing" : "good", ...more });
    for (const [id, label, watts, pf] of CLAMPS) {
      const w = watts(t) * (1 + 0.004 * Math.sin(t / 700));
      const feed = { feed: "clamps" };
      const quality = this.knobs.suspect === id ? { quality: "suspect" } : {};
      add(id, "power", "W", label, w, 1, { ...feed, ...quality });
      add(id, "current", "A", label, Math.abs(w / 236 / pf) + 0.02, 3, feed);
      add(id, "reactive_power", "var", label, w * Math.tan(Math.acos(Math.min(1, Math.abs(pf)))), 1, feed);
      add(id, "power_factor", "1", label, Math.sign(w) * Math.abs(pf), 3, feed);
      if (id === "hp") {
        add(id, "thd", "%", label, w > 100 ? 15.42 : null, 2, feed);
        add(id, "cos_phi", "1", label, w > 100 ? 0.987 : null, 3, feed);
      }
      add(id, "import", "Wh", label, 1e6, 3, { ...feed, kind: "counter", today: round(energyWh(watts, midnight, t), 1) });
      add(id, "export", "Wh", label, 0, 3, { ...feed, kind: "counter", today: round(energyWh(watts, midnight, t, -1), 1) });
    }
    add("pulses", "energy", "Wh", "Sub-meter", 1e6, 0, { kind: "counter" });
    add("mains", "voltage", "V", "Mains", 236.1, 1, { feed: "clamps" });
    const p = this.pumpNow(t);
    const age = { age_ms: t - this.meterLast };
    add("heatmeter", "power", "W", "Heat meter", p.heat, 0, age);
    add("heatmeter", "flow_t", "degC", "Flow temperature", p.flow, 2, age);
    add("heatmeter", "return_t", "degC", "Return temperature", p.ret, 2, age);
    add("heatmeter", "flow_rate", "l/h", "Flow", p.rate, 0, age);
    add("weather", "outside_t", "degC", "Outside", outside(t), 1);
    add("heatpump", "elec_power", "W", "Heat pump electricity", p.elec, 1);
    add("heatpump", "heat_power", "W", "Heat", p.heat, 1);
    return list;
  }

  pumpNow(t) {
    const p = pump(t);
    if (this.knobs.negative) Object.assign(p, { heat: -1850, flow: 24.1, ret: 26.2, elec: 640 });
    if (this.knobs.meter !== "ok") Object.assign(p, { heat: null, flow: null, ret: null, rate: null });
    p.elec *= 1 + 0.01 * Math.sin(t / 900);
    return p;
  }

  live() {
    const t = this.now();
    if (this.knobs.bare) {
      return { time: t, uuid: "0", site: "New house", version: "0.1.0", provenance: "measured", clock: { quality: "unknown", timezone: "Nowhere/Else" }, heatpump: null, channels: [], sources: [{ id: "m", type: "mbus", label: "", state: "starting", cause: null, since: null, last: null }], log: null, publishers: [] };
    }
    if (this.knobs.meter === "ok" && t - this.meterLast > 10_000) {
      this.meterLast = t;
      this.polls++;
    }
    const p = this.pumpNow(t);
    const c = this.energies(t - 30 * MIN, t);
    return {
      time: t, uuid: "6f1c2b7e-58d0-4a53-9a44-2f6d90b1c7aa", site: "Example house", version: "0.1.0",
      provenance: this.knobs.provenance,
      clock: { quality: this.knobs.provenance === "simulated" ? "plant" : "synced", timezone: this.knobs.zone },
      ...(this.knobs.roles ? { roles: { elec: "hp", heat: "heatmeter", flow_t: "heatmeter_flow_t", return_t: "heatmeter_return_t", flow_rate: "heatmeter_flow_rate", outside_t: "weather_outside_t", grid: "grid", solar: "solar" } } : {}),
      heatpump: {
        elec_power: round(p.elec, 1), heat_power: round(p.heat, 0), cop_30m: c.elec > 30 ? c.cop : null,
        flow_t: round(p.flow, 2), return_t: round(p.ret, 2), outside_t: round(p.out, 1), room_t: null, dhw_t: null, flow_rate: round(p.rate, 0),
        today: this.energies(this.midnight(t), t),
        total: { elec: 1336479, heat: 5230110, negative_heat: 40110, cop: 3.88 },
      },
      channels: this.channels(t),
      sources: this.sources(t),
      log: { state: "ok", cause: null, durable: 5120 + Math.floor((t - this.started) / 10_000), lost: 0, measured_s: 51200.1 + (t - this.started) / 1000, gap_s: 3.5 },
      publishers: [{ id: "emoncms", state: this.knobs.meter === "ok" ? "ok" : "failed", cause: this.knobs.meter === "ok" ? null : "emoncms.example: no route to host", backlog: this.knobs.meter === "ok" ? 2 : 412, last_ok: t - 12_000 }],
      refused: { host: 1 },
    };
  }

  sources(t) {
    const since = this.started - 52_000_000;
    const stale = this.knobs.meter !== "ok";
    return [
      { id: "clamps", type: "samples", label: "Clamps", state: "ok", cause: null, since, last: t - 200, counters: { blocks: Math.floor((t - since) / 40), CHECKSUM: 0, lost: 0 } },
      { id: "heatmeter", type: "mbus", label: "Heat meter", state: this.knobs.meter, cause: stale ? "no answer to the last 3 polls" : null, since: stale ? this.meterLast + 30_000 : since, last: this.meterLast, counters: { polls: this.polls, good: this.polls - 1, TIMEOUT: 1 } },
      { id: "weather", type: "mbus", label: "Outside sensor", state: "ok", cause: null, since, last: t - 4_000, counters: { polls: 860, good: 860 } },
    ];
  }

  /* What the log holds of a series at an instant; null in the gap and before history begins. */
  stored(id, t) {
    const now = this.now();
    const gap = this.knobs.gap;
    if (t > now || t < this.started - 30 * DAY) return null;
    if (gap && now - t <= gap[0] && now - t > gap[1]) return null;
    const p = pump(t);
    const values = { heatpump_elec_power: p.elec, heatpump_heat_power: p.heat, heatmeter_power: p.heat, heatmeter_flow_t: p.flow, heatmeter_return_t: p.ret, heatmeter_flow_rate: p.rate, weather_outside_t: p.out, solar_power: -solar(t) };
    return values[id] ?? null;
  }

  series() {
    if (this.knobs.bare) return { series: [] };
    const seen = this.channels(this.now());
    const from = this.started - 30 * DAY;
    const streams = [{ stream: "own", provenance: this.knobs.provenance, from: this.started, to: this.now() }];
    if (this.knobs.provenance === "simulated") streams.push({ stream: "import_1", provenance: "simulated", from, to: this.started });
    return { series: seen.map(({ id, source, quantity, unit, kind, label }) => ({ id, source, quantity, unit, kind, label, streams })) };
  }

  query(q) {
    const [from, to, step] = ["from", "to", "step"].map((k) => Number(q.get(k)));
    if (this.knobs.queryFails) throw new Error("the log is being rebuilt");
    if (!(step >= 1000) || !(to > from) || (to - from) / step > 10_000) throw new Error("from, to, step: at most 10000 buckets");
    const time = [];
    for (let t = from; t < to; t += step) time.push(t);
    const columns = [];
    for (const id of q.get("series").split(",")) {
      for (const fn of (q.get("fn") ?? "mean").split(",")) {
        columns.push({ series: id, fn, unit: "W", values: time.map((t) => round(this.bucket(id, fn, t, step), 2)) });
      }
    }
    const sim = this.knobs.provenance === "simulated";
    return { from, to, step, tz: this.knobs.zone, time, columns, provenance: sim ? [{ stream: "import_1", provenance: "simulated", from: Math.max(from, this.started - 30 * DAY), to: this.started }, { stream: "own", provenance: "simulated", from: this.started, to }] : [] };
  }

  csv(q, reply) {
    const { time, columns } = this.query(q);
    const lines = [["time", "unix_ms", ...columns.map((c) => `${c.series} ${c.fn} [${c.unit}]`)]];
    time.forEach((t, i) => lines.push([new Date(t).toISOString(), t, ...columns.map((c) => c.values[i] ?? "")]));
    reply.writeHead(200, { "content-type": "text/csv; charset=utf-8; header=present", "content-disposition": 'attachment; filename="heatwatt.csv"' });
    reply.end(lines.map((fields) => `${fields.join(",")}\r\n`).join(""));
  }

  bucket(id, fn, start, step) {
    const seen = [];
    const parts = Math.max(12, Math.round(step / (2 * MIN))); // a defrost lasts six minutes
    for (let k = 0; k < parts; k++) {
      const v = this.stored(id, start + ((k + 0.5) * step) / parts);
      if (v !== null) seen.push(v);
    }
    if (fn === "measured") return ((seen.length / parts) * step) / 1000;
    if (seen.length === 0) return null;
    if (fn === "min") return Math.min(...seen);
    if (fn === "max") return Math.max(...seen);
    return seen.reduce((a, b) => a + b, 0) / seen.length;
  }

  ports() {
    return [
      { port: "/dev/serial/by-id/usb-FTDI_M-Bus", device: "/dev/ttyUSB0", kind: "serial", used_by: ["heatmeter"], scannable: true },
      { port: "/dev/ttyAMA0", device: "/dev/ttyAMA0", kind: "serial", used_by: [], scannable: true },
    ];
  }

  /* A search that is given `n` of the three meters so far. */
  searched(n, more = {}) {
    this.search = { ...this.search, found: METERS.slice(0, n), progress: { port: "/dev/ttyUSB0", what: "M-Bus at 2400 baud, secondary addresses", fraction: n / 3 }, ...more };
    for (const s of this.streams) s.write(`event: scan\ndata: ${JSON.stringify(this.search)}\n\n`);
  }

  /* Answers a request that changes something: [status, body]. */
  change(method, path, body) {
    const problem = (status, detail, more = {}) => [status, { type: "about:blank", title: "Refused", status, detail, ...more }];
    if (!this.knobs.changes) return problem(403, "changes are taken from this device itself only; http.changes says so");
    if (path.startsWith("/api/v1/calibration") && this.knobs.refuseCalibration) return problem(...this.knobs.refuseCalibration);
    this.asked.push({ method, path, body });
    if (path === "/api/v1/scan" && method === "POST") {
      this.search = { id: this.search.id + 1, state: "running", started: this.now(), ended: null, ports: body.ports, protocols: body.protocols ?? [], progress: null, found: [], problems: [] };
      return [202, this.search];
    }
    if (path === "/api/v1/scan" && method === "DELETE") return [200, (this.search = { ...this.search, state: "stopped", ended: this.now() })];
    if (path === "/api/v1/sources" && method === "POST") {
      if (this.knobs.refuseSource) return problem(422, "the configuration would not be right", { errors: [{ path: "sources[3].address", detail: "9 is already that of \"weather\"" }] });
      return [201, { id: body.source.id, restart: true }];
    }
    if (path === "/api/v1/calibration" && method === "POST") return [200, this.calibration.find(body, this.now())];
    if (path.startsWith("/api/v1/calibration/") && method === "DELETE") {
      const answer = this.calibration.takeBack(Number(path.split("/").pop()), this.now());
      return answer ? [200, answer] : problem(404, "there is no such calibration that counts");
    }
    return problem(404, `there is no ${path} here`);
  }

  takeChange(request, url, json) {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
      const [status, body] = this.change(request.method, url.pathname, text ? JSON.parse(text) : null);
      json(status, status < 400 ? "application/json" : "application/problem+json", body);
    });
  }

  /* Some cycles of a clamp, with a third harmonic; counted, so that a test sees who looks when. */
  waveform(q) {
    const clamp = CLAMPS.find(([id]) => id === q.get("channel"));
    const cycles = Number(q.get("cycles") ?? 2);
    this.looks.push([q.get("channel"), cycles]);
    if (this.knobs.asleep) throw new Error(`no samples of '${q.get("channel")}' now`);
    const t = this.now();
    const rms = Math.max(0.05, Math.abs(clamp[2](t) / 236 / clamp[3])) * (1 + 0.02 * Math.sin(t / 300));
    const step = 149.94;
    const samples = Math.round((cycles * 20_000) / step);
    const limit = this.knobs.clips ? rms : Infinity;
    const trace = (source, unit, first, scale, third, lsb) => {
      const seen = Array.from({ length: samples }, (_, n) => {
        const x = (2 * Math.PI * (first + n * step)) / 20_000;
        return scale * Math.SQRT2 * (Math.sin(x) + third * Math.sin(3 * x));
      });
      const most = unit === "A" ? limit : Infinity;
      const values = seen.map((v) => Math.max(-most, Math.min(most, v)));
      const amounts = Array.from({ length: 40 }, (_, k) => (k === 0 ? scale : k === 2 ? scale * third : 0));
      return {
        source, unit, first_us: first, rms: round(scale, 4), fundamental: round(scale, 4), thd: third, lsb, offset_lsb: -2.5, residue: round(lsb * 0.7, 4),
        clipped: values.flatMap((v, n) => (Math.abs(v) >= most ? [n] : [])),
        harmonics: { rms: amounts, angle_deg: amounts.map(() => 0) }, values: values.map((v) => round(v, 4)),
      };
    };
    return {
      source: clamp[0], label: clamp[1], time: t, provenance: this.knobs.provenance, cycles, frequency: 50.01, samples, step_us: step, bits: 12, minus: null, shift_deg: 0,
      voltage: trace("mains", "V", 41.7, 236.1, 0.02, 0.209),
      current: { ...trace(clamp[0], "A", 262.9, rms, 0.12, 0.0847), noise_lsb: 0.71, noise: 0.0601 },
    };
  }

  answer(request, reply) {
    const url = new URL(request.url, "http://127.0.0.1");
    const json = (status, type, value) => {
      reply.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      reply.end(JSON.stringify(value));
    };
    if (request.method !== "GET") return this.takeChange(request, url, json);
    if (url.pathname === "/api/v1/ports") return json(200, "application/json", { ports: this.ports(), changes: this.knobs.changes });
    if (url.pathname === "/api/v1/calibration") return json(200, "application/json", this.calibration.show(this.knobs.changes));
    if (url.pathname === "/api/v1/scan") return json(200, "application/json", this.search);
    try {
      if (url.pathname === "/api/v1/live") return json(200, "application/json", this.live());
      if (url.pathname === "/api/v1/journal") return json(200, "application/json", { journal: this.journal.slice(0, Number(url.searchParams.get("limit") ?? 100)) });
      if (url.pathname === "/api/v1/series") return json(200, "application/json", this.series());
      if (url.pathname === "/api/v1/waveform") return json(200, "application/json", this.waveform(url.searchParams));
      if (url.pathname === "/api/v1/query" && url.searchParams.get("format") === "csv") return this.csv(url.searchParams, reply);
      if (url.pathname === "/api/v1/query") return json(200, "application/json", this.query(url.searchParams));
    } catch (error) {
      return json(400, "application/problem+json", { type: "about:blank", title: "Bad query", status: 400, detail: error.message });
    }
    if (url.pathname === "/api/v1/events") return this.stream(request, reply);
    return this.file(url.pathname, reply);
  }

  stream(request, reply) {
    if (this.knobs.refuse) {
      reply.writeHead(503).end();
      return;
    }
    reply.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const send = () => {
      if (!this.knobs.silent) reply.write(`event: live\ndata: ${JSON.stringify(this.live())}\n\n`);
    };
    send();
    const timer = setInterval(send, 1000);
    this.streams.add(reply);
    request.on("close", () => {
      clearInterval(timer);
      this.streams.delete(reply);
    });
  }

  file(path, reply) {
    try {
      const name = path === "/" ? "index.html" : path.replace(/\.\./g, "");
      const body = readFileSync(join(this.dist, name));
      reply.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream", "content-security-policy": POLICY, "cache-control": "no-store" });
      reply.end(body);
    } catch {
      reply.writeHead(404).end();
    }
  }

  cut() {
    for (const s of this.streams) s.destroy();
  }

  listen(port = 0) {
    this.server = createServer((q, r) => this.answer(q, r));
    return new Promise((done) => this.server.listen(port, "127.0.0.1", () => done(`http://127.0.0.1:${this.server.address().port}`)));
  }

  close() {
    this.cut();
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8080" }, dist: { type: "string" }, speed: { type: "string", default: "1" } } });
  const dist = values.dist ?? fileURLToPath(new URL("../../web/dist", import.meta.url));
  console.log(await new FakeDevice({ dist, speed: Number(values.speed) }).listen(Number(values.port)));
}
