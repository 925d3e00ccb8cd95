/*
 * Calibration without a browser: what the form asks of the device, and what an answer means for
 * what is read. A clamp with a further gain k and a further lead e reads, of P and Q,
 *
 *   P' = k (P cos e - Q sin e)
 */
import { fixed, isNumber, text, type Measure } from "./format";
import { instant } from "./time";
import type { Calibrated, Calibration, Channel, Input, Live, Method } from "./api";

export const METHODS: readonly { id: Method; name: string; done: string; how: string; finds: string }[] = [
  {
    id: "reading", name: "A reading of an instrument", done: "a reading",
    how: "A multimeter or clamp meter shows volts, amperes or watts. Type in what it shows while the load is steady.", finds: "gain",
  },
  {
    id: "resistive", name: "A kettle or heater", done: "a resistive load",
    how: "Switch on a kettle or heater of 100 W or more, and nothing else on that clamp. Wait until it has been on for half a minute.", finds: "phase",
  },
  {
    id: "meter", name: "A trusted meter, over hours", done: "a meter",
    how: "A meter that this device reads, on the same circuit as the clamp. The records of both are compared.", finds: "gain and phase",
  },
  {
    id: "sum", name: "The sum of the circuits, over a day", done: "the sum of circuits",
    how: "The main clamp is what its circuits add up to. It needs records in which circuits were on and off by turns.", finds: "the gain of each circuit",
  },
];

export const methodDone = (id: Method) => METHODS.find((m) => m.id === id)?.done ?? id;

/* The fields as they stand, all as typed. */
export interface Form {
  method: Method;
  input: string; // "": the first that fits
  quantity: "current" | "power";
  value: string;
  percent: string; // what instrument, meter or main clamp is good for
  degrees: string;
  meter: string;
  circuits: Record<string, "uses" | "feeds">;
  average: string; // s
  from: string; // on the site's wall
  since: string;
}

export const EMPTY: Form = {
  method: "reading", input: "", quantity: "current", value: "", percent: "1", degrees: "0.1", meter: "", circuits: {}, average: "10", from: "", since: "",
};

export const inputsFor = (all: readonly Input[], method: Method) => all.filter((i) => method === "reading" || i.kind === "clamp");

/* The input chosen, or the one that the method is for most often. */
export function inputOf(form: Form, all: readonly Input[], roles: Live["roles"]): Input | null {
  const list = inputsFor(all, form.method);
  const usual = { reading: undefined, resistive: undefined, meter: roles?.["elec"], sum: roles?.["grid"] }[form.method];
  return list.find((i) => i.id === form.input) ?? list.find((i) => i.id === usual) ?? list[0] ?? null;
}

export interface Named {
  id: string;
  label: string;
}

/* Of heat, water or gas, whose power and energy are not the circuit's. */
const notElectric = (live: Live, source: string) =>
  source === live.roles?.["heat"] || live.channels.some((c) => c.source === source && ["flow_rate", "flow_t", "volume"].includes(c.quantity));

/* What a clamp can be compared with: sources with a counter of electricity, or its power. */
export function metersFor(live: Live, all: readonly Input[], clamp: string): { meters: Named[]; clamps: Named[] } {
  const own = new Set(all.map((i) => i.id));
  const seen = new Map<string, Named>();
  for (const c of live.channels) {
    if (!["import", "energy", "power"].includes(c.quantity) || c.source === clamp || seen.has(c.source) || notElectric(live, c.source)) continue;
    const label = live.sources.find((s) => s.id === c.source)?.label || c.label || c.source;
    seen.set(c.source, { id: c.source, label });
  }
  const list = [...seen.values()];
  return { meters: list.filter((s) => !own.has(s.id)), clamps: list.filter((s) => own.has(s.id)) };
}

/* What is left empty is left to the device. */
const numbers = (fields: Record<string, string>) => Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== "").map(([k, v]) => [k, Number(v)]));

function ofMethod(form: Form, input: Input, all: readonly Input[], zone: string): object {
  const good = numbers({ uncertainty_pct: form.percent });
  const from = form.from === "" ? {} : { from: instant(form.from, zone) };
  switch (form.method) {
    case "reading":
      return { ...(input.kind === "clamp" ? { quantity: form.quantity } : {}), ...numbers({ value: form.value, average_s: form.average }), ...good };
    case "resistive":
      return numbers({ uncertainty_deg: form.degrees, average_s: form.average });
    case "meter":
      return { meter: form.meter, ...good, ...from };
    case "sum": {
      const part = all.filter((i) => i.id !== input.id && form.circuits[i.id]);
      return { circuits: part.map((i) => (form.circuits[i.id] === "feeds" ? `-${i.id}` : i.id)), ...good, ...from };
    }
  }
}

/* The body of POST /api/v1/calibration. */
export function requestOf(form: Form, input: Input, all: readonly Input[], zone: string): object {
  const since = form.since === "" ? {} : { since: instant(form.since, zone) };
  return { method: form.method, input: input.id, ...ofMethod(form, input, all, zone), ...since };
}

const RAD = Math.PI / 180;

/* What a value does to what an input reads that has `input` now. */
export function step(input: Input, e: Calibrated): { k: number; lead: number } {
  return {
    k: isNumber(e.gain) ? e.gain / input.gain : 1,
    lead: isNumber(e.phase_deg) ? (e.phase_deg - input.phase_deg) * RAD : 0,
  };
}

export interface Shift {
  what: string;
  from: string;
  to: string;
}

/* What is read now and what would be, in words; empty while nothing is read. */
export function shifts(live: Live, input: Input, e: Calibrated): Shift[] {
  const now = (quantity: string): number | null => {
    const c: Channel | undefined = live.channels.find((x) => x.source === input.id && x.quantity === quantity);
    return isNumber(c?.value) ? c.value : null;
  };
  const { k, lead } = step(input, e);
  const found: Shift[] = [];
  const add = (what: string, v: number | null, to: number, as: (v: number) => Measure) => {
    if (v !== null) found.push({ what, from: text(as(v)), to: text(as(to)) });
  };
  const p = now("power");
  const q = now("reactive_power");
  if (input.kind === "voltage") {
    const v = now("voltage");
    add("voltage", v, k * (v ?? 0), (x) => [fixed(x, 2), "V"]);
    return found;
  }
  if (isNumber(e.gain)) add("current", now("current"), k * (now("current") ?? 0), (x) => [fixed(x, 3), "A"]);
  if (lead === 0 || q !== null) add("power", p, k * ((p ?? 0) * Math.cos(lead) - (q ?? 0) * Math.sin(lead)), (x) => [fixed(x, Math.abs(x) < 999.5 ? 1 : 0), "W"]);
  return found;
}

/* No part of it changes by more than it is uncertain by. */
export function withinDoubt(input: Input, e: Calibrated): boolean {
  const { k } = step(input, e);
  const gain = !isNumber(e.gain) || 100 * Math.abs(k - 1) <= (e.gain_pct ?? 0);
  const phase = !isNumber(e.phase_deg) || Math.abs(e.phase_deg - input.phase_deg) <= (e.phase_half_deg ?? 0);
  return gain && phase;
}

const signed = (v: number, digits: number) => {
  const t = fixed(v, digits);
  return v > 0 && /[1-9]/.test(t) ? `+${t}` : t;
};

export const gainText = (gain: number, pct: number | null) => `${fixed(gain, 4)}${isNumber(pct) ? `\u00a0\u00b1\u00a0${fixed(pct, 2)}\u00a0%` : ""}`;
export const phaseText = (deg: number, half: number | null) => `${signed(deg, 2)}\u00b0${isNumber(half) ? `\u00a0\u00b1\u00a0${fixed(half, 2)}\u00b0` : ""}`;
export const changeText = (k: number) => `${signed(100 * (k - 1), 2)}\u00a0%`;

/* What the nominal values come from. */
export function sensorText(i: Input): string {
  const stated = i.class?.replace("+-", "\u00b1");
  if (!i.model) return stated ? `model not named, class ${stated}` : "model not named in the configuration";
  return `${i.model}, ${stated ? `class ${stated}` : "no class stated"}`;
}

/* The value in the history that a number names. */
export const entryOf = (c: Calibration, number: number | null) => (number === null ? null : c.history.find((e) => e.number === number) ?? null);
