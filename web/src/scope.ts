/*
 * The scope's state: which clamp, how many cycles, the newest waveform, frozen or not. The device is
 * asked twice a second, and only while somebody can see it: the card is in the window, the page is
 * not hidden, nothing is frozen.
 */
import { computed, effect, signal } from "@preact/signals";
import { getWaveform, type Waveform } from "./api";
import { live } from "./live";
import { clamps, type Clamp } from "./model";

const EVERY_MS = 500;
const AGAIN_MS = 2000; // after a failure
export const CYCLES = [1, 2, 5, 10] as const;

export const choices = computed<readonly Clamp[]>(() => (live.value ? clamps(live.value) : []));
/* What the owner chose; null: the heat pump's clamp, else the first. */
export const chosen = signal<string | null>(null);
export const cycles = signal<number>(2);
export const frozen = signal(false);
export const inSight = signal(false);
export const wave = signal<Waveform | null>(null);
export const scopeFailure = signal<string | null>(null);
const hidden = signal(document.hidden);

/* A plain string, so that a live event which changes nothing here does not fetch. */
export const clamp = computed<string | null>(() => {
  const list = choices.value;
  const has = (id: string | null | undefined) => (list.some((c) => c.id === id) ? id! : null);
  return has(chosen.value) ?? has(live.value?.roles?.["elec"]) ?? list[0]?.id ?? null;
});

let timer: ReturnType<typeof setTimeout> | undefined;
let pending: AbortController | null = null;

function stop() {
  clearTimeout(timer);
  pending?.abort();
  pending = null;
}

async function look(channel: string, count: number) {
  const mine = new AbortController();
  const began = performance.now();
  let pause = EVERY_MS;
  pending = mine;
  try {
    const found = await getWaveform(channel, count, mine.signal);
    if (mine.signal.aborted) return;
    wave.value = found;
    scopeFailure.value = null;
  } catch (error) {
    if (mine.signal.aborted) return;
    scopeFailure.value = error instanceof Error ? error.message : String(error);
    pause = AGAIN_MS;
  }
  timer = setTimeout(() => void look(channel, count), Math.max(50, pause - (performance.now() - began)));
}

export function startScope() {
  document.addEventListener("visibilitychange", () => (hidden.value = document.hidden));
  effect(() => {
    const id = clamp.value;
    const count = cycles.value;
    const on = inSight.value && !hidden.value && !frozen.value;
    stop();
    if (id !== null && on) void look(id, count);
  });
  effect(() => {
    clamp.value; // another clamp: what is shown is not its
    wave.value = null;
    scopeFailure.value = null;
    frozen.value = false;
  });
}
