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

/* An error whose message can stand on the page: the device's own words where it sent some. */
async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const reply = await fetch(path, {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: signal ?? null,
  });
  if (!reply.ok) {
    const problem = (await reply.json().catch(() => null)) as { title?: string; detail?: string } | null;
    throw new Error(problem?.detail ?? problem?.title ?? `the device answered ${reply.status}`);
  }
  return (await reply.json()) as T;
}

export const getJournal = async (limit: number) => (await get<{ journal: Entry[] }>(`/api/v1/journal?limit=${limit}`)).journal;
export const getLive = () => get<Live>("/api/v1/live");
export const getSeries = async () => (await get<{ series: Series[] }>("/api/v1/series")).series;

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
