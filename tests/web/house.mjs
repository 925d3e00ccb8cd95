/*
 * A made-up house for developing and testing the page without the daemon: every value is a function of
 * time, so live values and history agree. It is drawn to look plausible, not to be physics; the
 * virtual plant is heatwatt-sim.
 */

const MIN = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

/* A repeatable number in 0..1 for an integer. */
function chance(n) {
  let h = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/* Smooth noise in -1..1 with a period of about `span`. */
function drift(t, span, salt) {
  const x = t / span;
  const i = Math.floor(x);
  const f = x - i;
  const s = f * f * (3 - 2 * f);
  return 2 * (chance(i + salt) * (1 - s) + chance(i + 1 + salt) * s) - 1;
}

export function outside(t) {
  const hour = (t % DAY) / HOUR;
  return 5 + 3.4 * Math.sin(((hour - 9) / 24) * 2 * Math.PI) + 4 * drift(t, 2.5 * DAY, 11) + 0.5 * drift(t, HOUR, 12);
}

/* Cycles of 85 to 115 minutes: heating, a defrost of six minutes at the end when cold, a pause. */
export function pump(t) {
  const out = outside(t);
  const slot = Math.floor(t / (100 * MIN));
  const phase = (t - slot * 100 * MIN) / MIN;
  const hour = (t % DAY) / HOUR;
  const water = hour >= 13 && hour < 13.8; // the cylinder's run
  const need = Math.max(0.12, Math.min(1, (17 - out) / 16));
  const defrost = out < 6.5 && phase >= 78 && phase < 84;
  const pause = !defrost && !water && (phase >= 84 + 14 * need || need < 0.2);
  const wobble = 1 + 0.03 * drift(t, 40_000, 21);
  const flow = water ? 52 : 29 + 11 * need + 0.6 * drift(t, 10 * MIN, 22);
  if (defrost) {
    const dip = Math.sin(((phase - 78) / 6) * Math.PI);
    return { mode: "defrost", elec: 620 * wobble, heat: -2600 * dip, flow: flow - 9 * dip, ret: flow - 4 + 1 * dip, rate: 1240, out };
  }
  if (pause) {
    const fade = Math.exp(-Math.max(0, phase - 84) / 8);
    return { mode: "standby", elec: 14 + 2 * wobble, heat: 0, flow: 26 + (flow - 26) * fade, ret: 26 + (flow - 29) * fade, rate: 0, out };
  }
  const ramp = Math.min(1, (phase + 1) / 6);
  const heat = (water ? 6400 : 1500 + 5600 * need) * ramp * wobble;
  const cop = water ? 2.7 : 2.55 + 0.09 * out + 0.06 * (45 - flow);
  const rate = 1080 + 20 * drift(t, 5 * MIN, 23);
  return { mode: water ? "water" : "space", elec: heat / cop, heat, flow, ret: flow - heat / (1.163 * rate), rate, out };
}

export function solar(t) {
  const hour = (t % DAY) / HOUR;
  const sun = Math.max(0, Math.sin(((hour - 7.6) / 9) * Math.PI)) * (hour > 7.6 && hour < 16.6 ? 1 : 0);
  return 2600 * sun * (0.55 + 0.45 * drift(t, 20 * MIN, 31));
}

/* Fourteen clamps: id, name, watts at an instant, power factor. */
const steps = (t, span, salt, share, w) => (chance(Math.floor(t / span) + salt) < share ? w : 0);
export const CLAMPS = [
  ["hp", "Heat pump", (t) => pump(t).elec, 0.94],
  ["grid", "Grid", (t) => CLAMPS.filter(([id]) => id !== "grid").reduce((sum, [, , w]) => sum + w(t), 0), 0.9],
  ["solar", "Solar panels", (t) => -solar(t), -0.99],
  ["immersion", "Immersion heater", (t) => (t % (7 * DAY) < 40 * MIN ? 2950 : 0), 1],
  ["oven", "Oven", (t) => steps(t, 40 * MIN, 41, 0.05, 2200 * (0.6 + 0.4 * drift(t, 90_000, 42))), 0.99],
  ["hob", "Induction hob", (t) => steps(t, 15 * MIN, 43, 0.06, 1400 + 500 * drift(t, MIN, 44)), 0.97],
  ["kettle", "Kitchen sockets", (t) => 46 + steps(t, 4 * MIN, 45, 0.05, 2750), 0.98],
  ["washer", "Washing machine", (t) => 2 + steps(t, 55 * MIN, 46, 0.08, 420 + 380 * drift(t, 3 * MIN, 47)), 0.71],
  ["dryer", "Tumble dryer", (t) => 1 + steps(t, 70 * MIN, 48, 0.05, 690), 0.88],
  ["lights_up", "Lights upstairs", (t) => 12 + 60 * Math.max(0, drift(t, 90 * MIN, 49)), 0.62],
  ["lights_down", "Lights downstairs", (t) => 18 + 90 * Math.max(0, drift(t, 70 * MIN, 50)), 0.6],
  ["office", "Office", (t) => 95 + 40 * drift(t, 20 * MIN, 51), 0.83],
  ["garage", "Garage and car charger", (t) => 8 + steps(t, 3 * HOUR, 52, 0.12, 7150), 0.99],
  ["fridge", "Fridge and freezer", (t) => (t % (47 * MIN) < 19 * MIN ? 88 + 4 * drift(t, 50_000, 53) : 3), 0.66],
];

/* Wh of a power between two instants, by its value each five minutes. */
export function energyWh(watts, from, to, sign = 1) {
  let wh = 0;
  for (let t = from; t < to; t += 5 * MIN) wh += (Math.max(0, sign * watts(t)) * Math.min(5 * MIN, to - t)) / HOUR;
  return wh;
}
