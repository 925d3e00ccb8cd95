/*
 * The device's API as the page uses it (docs/HTTP_API.md): types, and the one place that fetches.
 * Times are unix milliseconds, null is missing, energies are Wh.
 */

export type Provenance = "measured" | "simulated" | "imported";
export type State = "starting" | "ok" | "stale" | "failed";
export type Quality = "good" | "suspect" | "missing";

export interface Energies {
  elec: number | null;
  heat: number | null;
  negative_heat: number | null;
  cop: number | null;
}

export interface HeatPump {
  elec_power: number | null;
  heat_power: number | null;
  cop_30m: number | null;
  flow_t: number | null;
  return_t: number | null;
  outside_t: number | null;
  room_t: number | null;
  dhw_t: number | null;
  flow_rate: number | null;
  today: Energies;
  total: Energies;
}

export interface Channel {
  id: string;
  source: string;
  feed?: string; // id in `sources` that its values come through
  quantity: string;
  unit: string;
  label: string;
  kind: "gauge" | "counter";
  value: number | null;
  age_ms: number | null;
  quality: Quality;
  today?: number | null;
  register?: number | null; // what the meter's own display shows
}

export interface Source {
  id: string;
  type: string;
  label: string;
  state: State;
  cause: string | null;
  since: number | null;
  last: number | null;
  meter?: string; // who answers: maker, model, serial number
  counters?: Record<string, number>;
}

export interface LogState {
  state: State;
  cause: string | null;
  durable: number | null;
  lost: number | null;
  measured_s: number | null;
  gap_s: number | null;
}

export interface Publisher {
  id: string;
  state: State;
  cause: string | null;
  backlog: number;
  last_ok: number | null;
}

/* What plays which part: a source id (elec, heat, grid, solar) or a channel id. */
export type Roles = Partial<Record<string, string>>;

export interface Live {
  time: number;
  uuid: string;
  site: string;
  version: string;
  provenance: Provenance;
  clock: { quality: string; timezone: string };
  roles?: Roles;
  heatpump: HeatPump | null;
  channels: Channel[];
  sources: Source[];
  log: LogState | null;
  publishers: Publisher[];
  refused?: Record<string, number>;
}

export interface Series {
  id: string;
  source: string;
  quantity: string;
  unit: string;
  kind: "gauge" | "counter";
  label: string;
  streams: { stream: string; provenance: Provenance; from: number; to: number }[];
}

export interface Answer {
  from: number;
  to: number;
  step: number | string; // ms, or "day", "week", …
  tz: string;
  time: number[];
  columns: { series: string; fn: string; unit: string; values: (number | null)[] }[];
  provenance: { stream: string; provenance: Provenance; from: number; to: number }[];
}

/* An entry of the journal. */
export interface Entry {
  seq: number;
  time: number | null;
  kind: string;
  source: string | null;
  feed: string | null;
  channel: string | null;
  meter: string | null;
  unit: string | null;
  before: number | null;
  after: number | null;
  offset: number | null;
  text: string;
}

/* A port of the device, serial or in the network, that meters may be behind. */
export interface Port {
  port: string;
  device: string | null;
  kind: string;
  used_by: string[];
  scannable: boolean;
}

export interface Ports {
  ports: Port[];
  changes: boolean; // whoever asks may change something
}

/* A meter that a search found. `source` is its item for the configuration; null: it cannot be one. */
export interface Found {
  key: string;
  port: string | null;
  tcp: string | null;
  protocol: string;
  baud: number | null;
  parity: string | null;
  address: number | null;
  secondary: string | null;
  maker: string | null;
  model: string | null;
  serial: string | null;
  medium: string | null;
  collision: boolean;
  configured_as: string | null;
  note: string | null;
  values: { quantity: string; value: number | null; unit: string }[];
  source: { id: string } | null;
  yaml: string | null;
}

export interface Scan {
  id: number;
  state: "idle" | "running" | "done" | "stopped"; // idle: none since the device started
  ports: string[];
  progress: { port: string | null; what: string; fraction: number } | null;
  found: Found[];
  problems: { port: string | null; detail: string }[];
}

/* A voltage or clamp, and what counts for it. */
export interface Input {
  id: string;
  label: string;
  kind: "voltage" | "clamp";
  model: string | null;
  class: string | null; // as its maker states it
  gain: number; // times the nominal ratio
  gain_pct: number | null; // half width of 95 % confidence; null: nominal
  phase_deg: number; // beside the nominal
  phase_half_deg: number | null;
  gain_number: number | null; // in the history
  phase_number: number | null;
}

export type Method = "reading" | "resistive" | "meter" | "sum";

/* A value that was found, or would be. */
export interface Calibrated {
  number: number | null; // null: not kept
  input: string;
  method: Method;
  note: string;
  time: number;
  gain: number | null;
  gain_pct: number | null;
  phase_deg: number | null;
  phase_half_deg: number | null;
  since: number | null; // records from there on were corrected
  taken_back: number | null;
  counts: boolean;
}

export interface Calibration {
  inputs: Input[];
  history: Calibrated[];
  changes: boolean; // whoever asks may change something
}

export interface CalibrationAnswer {
  kept: boolean;
  calibrations: Calibrated[];
  log: { blocks: number; left_out: number; offset_w: number | null; offset_half_w: number | null } | null;
  corrections: number | null;
}

export class Refusal extends Error {
  constructor(readonly status: number, words: string) {
    super(words);
  }
}

interface Problem {
  title?: string;
  detail?: string;
  errors?: { path: string; detail: string }[];
}

/* The device's own words where it sent some: they can stand on the page. */
async function refusal(reply: Response): Promise<Refusal> {
  const problem = (await reply.json().catch(() => null)) as Problem | null;
  const more = (problem?.errors ?? []).map((e) => `${e.path}: ${e.detail}`);
  const words = problem?.detail ?? problem?.title ?? `the device answered ${reply.status}`;
  return new Refusal(reply.status, [words, ...more].join("; "));
}

export interface Trace {
  source: string;
  unit: string;
  first_us: number; // of values[0]; the next follow by step_us
  rms: number;
  fundamental: number | null;
  thd: number | null;
  lsb: number; // V or A for each step of the converter
  offset_lsb: number;
  residue: number;
  noise_lsb?: number | null;
  noise?: number | null;
  clipped: number[]; // numbers of samples
  harmonics: { rms: number[]; angle_deg: number[] } | null; // [0] is the fundamental
  values: number[];
}

export interface Waveform {
  source: string;
  label: string;
  time: number | null;
  provenance: Provenance;
  cycles: number;
  frequency: number | null;
  samples: number;
  step_us: number;
  bits: number;
  minus: string | null;
  shift_deg: number;
  voltage: Trace | null;
  current: Trace;
}

/* An error whose message can stand on the page: the device's own words where it sent some. */
async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const reply = await fetch(path, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: signal ?? null,
  });
  if (!reply.ok) throw await refusal(reply);
  return (await reply.json()) as T;
}

/* A request that changes something. */
async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const reply = await fetch(path, {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    cache: "no-store",
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!reply.ok) throw await refusal(reply);
  return (await reply.json()) as T;
}

export const getJournal = async (limit: number) => (await get<{ journal: Entry[] }>(`/api/v1/journal?limit=${limit}`)).journal;
export const getLive = () => get<Live>("/api/v1/live");
export const getSeries = async () => (await get<{ series: Series[] }>("/api/v1/series")).series;

export const getPorts = () => get<Ports>("/api/v1/ports");
export const getScan = () => get<Scan>("/api/v1/scan");
export const startScan = (ports: string[], protocols: string[]) =>
  send<Scan>("POST", "/api/v1/scan", { ports, ...(protocols.length > 0 ? { protocols } : {}) });
export const stopScan = () => send<Scan>("DELETE", "/api/v1/scan");
export const addSource = (source: { id: string }) => send<{ id: string }>("POST", "/api/v1/sources", { source });
export const getCalibration = () => get<Calibration>("/api/v1/calibration");
export const calibrate = (request: object) => send<CalibrationAnswer>("POST", "/api/v1/calibration", request);
export const takeBack = (number: number) => send<CalibrationAnswer>("DELETE", `/api/v1/calibration/${number}`);
export const getWaveform = (channel: string, cycles: number, signal: AbortSignal) =>
  get<Waveform>(`/api/v1/waveform?${new URLSearchParams({ channel, cycles: `${cycles}` })}`, signal);

// Commas stay readable in the address: channel ids need no escaping.
function queryPath(series: readonly string[], p: Record<string, string>): string {
  return `/api/v1/query?series=${series.join(",")}&${new URLSearchParams(p)}`;
}

export function getQuery(
  series: readonly string[], from: number, to: number, step: number, fn: string, signal?: AbortSignal,
): Promise<Answer> {
  return get<Answer>(queryPath(series, { from: `${from}`, to: `${to}`, step: `${step}`, fn }), signal);
}

/* Where the same values are as a file of CSV, with seconds measured beside each. */
export function csvPath(series: readonly string[], from: number, to: number, step: number, fn: string): string {
  return queryPath(series, { from: `${from}`, to: `${to}`, step: `${step}`, fn: `${fn},measured`, format: "csv" });
}
