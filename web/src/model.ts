/*
 * Which channel is what. The page knows no source by name: a part (`elec`, `flow_t` ...) is played
 * by the channel the device's roles name, else by the quantity that has only that meaning.
 */
import { isNumber } from "./format";
import type { Channel, Live, Roles, Series, Source } from "./api";

export type Part = "elec" | "heat" | "flow_t" | "return_t" | "outside_t" | "room_t" | "dhw_t" | "flow_rate";

/* The quantity a part has where it is a series of its own. */
const QUANTITY: Record<Part, string> = {
  elec: "elec_power",
  heat: "heat_power",
  flow_t: "flow_t",
  return_t: "return_t",
  outside_t: "outside_t",
  room_t: "room_t",
  dhw_t: "dhw_t",
  flow_rate: "flow_rate",
};

interface Named {
  id: string;
  source: string;
  quantity: string;
}

/*
 * The channels that can play a part, the best first. For the two powers that is the derived
 * channel: the device books heat with its sign and checks there; the role's own is its input.
 */
function candidates<T extends Named>(list: readonly T[], part: Part, roles: Roles | undefined): T[] {
  const role = roles?.[part];
  const byRole = list.filter((c) => role && (c.id === role || (c.source === role && c.quantity === "power")));
  const byQuantity = list.filter((c) => c.quantity === QUANTITY[part]);
  const derived = part === "elec" || part === "heat";
  return derived ? [...byQuantity, ...byRole] : [...byRole, ...byQuantity];
}

export function pick<T extends Named>(list: readonly T[], part: Part, roles: Roles | undefined): T | null {
  return candidates(list, part, roles)[0] ?? null;
}

/* Of the series that can play a part, the one that covers most of the span; the better at a tie. */
export function pickSeries(
  list: readonly Series[], part: Part, roles: Roles | undefined, p: { from: number; to: number },
): Series | null {
  const covered = (s: Series) =>
    s.streams.reduce((sum, x) => sum + Math.max(0, Math.min(x.to, p.to) - Math.max(x.from, p.from)), 0);
  let best: Series | null = null;
  for (const s of candidates(list, part, roles)) {
    // a tenth more, or the choice would flip with the last minutes of two equal series
    if (covered(s) > (best ? 1.1 * covered(best) : 0)) best = s;
  }
  return best;
}

export interface Doubt {
  why: string; // one line for the owner
  short: string; // two or three words, where there is no room for it
  ageMs: number | null;
}

/*
 * Why a part has no value, or that its value is not fresh; null: all is well. A value younger
 * than its source's next poll is fresh, which only the device can tell: its source's state.
 */
export function doubt(live: Live, part: Part): Doubt | null {
  const channel = pick(live.channels, part, live.roles);
  const role = live.roles?.[part];
  const id = role ? sourceOf(live, role) : channel?.source;
  const feed = live.channels.find((c) => c.source === id)?.feed ?? id; // a clamp comes through its sampler
  const source = live.sources.find((s) => s.id === feed) ?? null;
  const missing = !isNumber(live.heatpump?.[field(part)]);
  const trouble = source && source.state !== "ok";
  if (!missing && !trouble && channel?.quality !== "suspect") return null;
  const ageMs = source?.last ? Math.max(0, live.time - source.last) : channel?.age_ms ?? null;
  return { why: reason(source, channel, missing), short: brief(source, channel, missing), ageMs };
}

function reason(source: Source | null, channel: Channel | null, missing: boolean): string {
  if (source && source.state !== "ok") return source.cause ?? `${source.label || source.id} is ${source.state}`;
  if (channel?.quality === "suspect") return "doubtful reading";
  return missing && !channel ? "no sensor" : "not measured";
}

function brief(source: Source | null, channel: Channel | null, missing: boolean): string {
  if (source && source.state !== "ok") return source.state;
  return reason(null, channel, missing);
}

function sourceOf(live: Live, role: string): string {
  return live.channels.find((c) => c.id === role)?.source ?? role;
}

function field(part: Part): "elec_power" | "heat_power" | "flow_t" | "return_t" | "outside_t" | "room_t" | "dhw_t" | "flow_rate" {
  return part === "elec" ? "elec_power" : part === "heat" ? "heat_power" : part;
}

/* One clamp of the list: the channels of one source that belong together. */
export interface Circuit {
  id: string;
  label: string;
  power: Channel;
  current: Channel | null;
  pf: Channel | null;
  imported: Channel | null;
  exported: Channel | null;
  thd: Channel | null;
  cosPhi: Channel | null;
  suspect: boolean;
}

/* The electrical circuits in the configuration's order: sources with a power and a current. */
export function circuits(channels: readonly Channel[]): Circuit[] {
  const bySource = new Map<string, Channel[]>();
  for (const c of channels) bySource.set(c.source, [...(bySource.get(c.source) ?? []), c]);
  const rows: Circuit[] = [];
  for (const [id, list] of bySource) {
    const of = (quantity: string) => list.find((c) => c.quantity === quantity) ?? null;
    const power = of("power");
    const electrical = of("current") ?? of("power_factor") ?? of("apparent_power") ?? of("import");
    if (!power || !electrical) continue;
    rows.push({
      id,
      label: power.label || id,
      power,
      current: of("current"),
      pf: of("power_factor"),
      imported: of("import"),
      exported: of("export"),
      thd: of("thd"),
      cosPhi: of("cos_phi"),
      suspect: list.some((c) => c.quality === "suspect"),
    });
  }
  return rows;
}

export interface SiteEnergy {
  gridIn: number | null;
  gridOut: number | null;
  solar: number | null;
  hasGrid: boolean;
  hasSolar: boolean;
}

/* Today's energies of the house's connection and of solar panels, by their roles. */
export function siteEnergy(live: Live): SiteEnergy {
  const today = (role: string, quantity: string) => {
    const id = live.roles?.[role];
    const source = id === undefined ? undefined : sourceOf(live, id);
    const c = live.channels.find((x) => x.source === source && x.quantity === quantity);
    return isNumber(c?.today) ? c.today : null;
  };
  const made = [today("solar", "import"), today("solar", "export")].filter(isNumber);
  return {
    gridIn: today("grid", "import"),
    gridOut: today("grid", "export"),
    // Panels only ever give; which way round their clamp sits decides the counter that runs.
    solar: made.length > 0 ? Math.max(...made) : null,
    hasGrid: live.roles?.["grid"] !== undefined,
    hasSolar: live.roles?.["solar"] !== undefined,
  };
}

export interface Clamp {
  id: string;
  label: string;
}

/* The sources whose samples can be looked at: those with a current that comes through a sampler. */
export function clamps(live: Live): Clamp[] {
  const samplers = new Set(live.sources.filter((s) => s.type === "samples").map((s) => s.id));
  return live.channels
    .filter((c) => c.quantity === "current" && c.feed !== undefined && samplers.has(c.feed))
    .map((c) => ({ id: c.source, label: c.label || c.source }));
}
