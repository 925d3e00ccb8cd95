/*
 * The live stream: one EventSource, the last live object, and what is known about the connection.
 *
 *   connecting ──event──▶ live ──error──▶ reconnecting ──5 s without event──▶ lost
 *                          ▲─────────────────event──────────────┴──────────────┘
 *
 * Silence is measured by the browser's monotonic clock: the device's clock may be another one (a
 * plant runs faster), and a phone's wall clock may step. While the page is hidden the stream is
 * closed: a browser has six connections to one device, and a phone has a battery.
 */
import { computed, signal } from "@preact/signals";
import { getLive, type Live } from "./api";
import { usableZone } from "./time";

export type Link = "connecting" | "live" | "reconnecting" | "lost";

const LOST_MS = 5000; // without an event values are no longer shown as current
const REOPEN_MS = 12000; // a connection that says nothing for so long is taken to be dead
const RETRY_MS = 3000;

export const live = signal<Live | null>(null);
export const link = signal<Link>("connecting");
export const silentMs = signal(0);
export const zone = computed(() => usableZone(live.value?.clock.timezone));
/* Counts the times the stream came back: charts fetch what they missed. */
export const returns = signal(0);
/* Values are history, not the present. */
export const old = computed(() => link.value === "lost");

const listeners = new Map<string, (data: unknown) => void>();

/* Other events of the stream; before start(). */
export function listen(event: string, take: (data: unknown) => void) {
  listeners.set(event, take);
}

let source: EventSource | null = null;
let lastEvent = performance.now();
let retry: ReturnType<typeof setTimeout> | undefined;

function take(value: Live) {
  lastEvent = performance.now();
  if (live.value && link.value !== "live") returns.value++;
  silentMs.value = 0;
  link.value = "live";
  // a device that is starting may leave lists out: nothing known yet, not a reason for a blank page
  live.value = { ...value, channels: value.channels ?? [], sources: value.sources ?? [], publishers: value.publishers ?? [] };
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function open() {
  close();
  const s = new EventSource("/api/v1/events");
  source = s;
  for (const [event, heard] of listeners) {
    s.addEventListener(event, (e) => {
      try {
        heard(JSON.parse((e as MessageEvent<string>).data));
      } catch (error) {
        console.warn(`${event} event refused`, error);
      }
    });
  }
  s.onerror = () => {
    if (link.value === "live") link.value = "reconnecting";
    // After an HTTP error the browser does not try again by itself.
    if (s.readyState === EventSource.CLOSED && s === source) retry = setTimeout(open, RETRY_MS);
  };
}

function watch() {
  if (document.hidden) return;
  const silent = performance.now() - lastEvent;
  silentMs.value = silent;
  if (silent > LOST_MS) link.value = "lost";
  if (silent > REOPEN_MS && source?.readyState === EventSource.OPEN) open();
}

export function start() {
  listen("live", (value) => take(value as Live));
  open();
  setInterval(watch, 1000);
  // The first paint need not wait for the first event.
  getLive().then((v) => { if (!live.value) take(v); }, () => undefined);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      return;
    }
    if (live.value) link.value = "reconnecting";
    open();
  });
}
