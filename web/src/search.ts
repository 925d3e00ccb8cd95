/*
 * The search for meters: which ports there are, the search that runs or ran last, and what was
 * added of it. The search itself is the device's: a page that is closed or reloaded finds it again.
 */
import { signal } from "@preact/signals";
import { addSource, getPorts, getScan, startScan, stopScan, type Found, type Port, type Scan } from "./api";
import { listen } from "./live";

export const PROTOCOLS = [["mbus", "M-Bus"], ["modbus", "Modbus"], ["elster", "Elster optical"], ["emon", "emonTx, radio"]] as const;

export const ports = signal<Port[] | null>(null); // null: not known yet
export const mayChange = signal(true); // the device takes changes from this browser
export const scan = signal<Scan | null>(null);
export const trouble = signal<string | null>(null);
/* What became of a click on Add, by the key of what was found. */
export const added = signal<Record<string, { state: "asked" | "done" | "failed"; words: string }>>({});

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

/* An answer of an older search, come late, does not replace a newer one. */
export function takeScan(value: Scan) {
  if (!scan.value || value.id >= scan.value.id) scan.value = value;
}

async function quietly(work: () => Promise<void>) {
  trouble.value = null;
  try {
    await work();
  } catch (error) {
    trouble.value = words(error);
  }
}

export const look = () =>
  quietly(async () => {
    const answer = await getPorts();
    ports.value = answer.ports;
    mayChange.value = answer.changes !== false;
    takeScan(await getScan());
  });

export const begin = (where: string[], protocols: string[]) =>
  quietly(async () => {
    added.value = {};
    takeScan(await startScan(where, protocols));
  });

export const end = () => quietly(async () => takeScan(await stopScan()));

export async function add(f: Found) {
  if (!f.source) return;
  const say = (state: "asked" | "done" | "failed", text: string) => {
    added.value = { ...added.value, [f.key]: { state, words: text } };
  };
  say("asked", "Adding\u2026");
  try {
    const { id } = await addSource(f.source);
    say("done", `Added as \u201c${id}\u201d. The device starts anew with it; its values come within a minute.`);
  } catch (error) {
    say("failed", words(error));
  }
}

listen("scan", (value) => takeScan(value as Scan));
