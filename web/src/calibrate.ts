/*
 * Calibration's state: what the device has, the form as it stands, and what became of the last
 * question. A value is tried first; only what was tried, unchanged, can be applied.
 */
import { computed, effect, signal } from "@preact/signals";
import { calibrate, getCalibration, takeBack, type Calibration, type CalibrationAnswer, type Input } from "./api";
import { EMPTY, inputOf, requestOf, type Form } from "./calibmath";
import { live, returns, zone } from "./live";

export const calibration = signal<Calibration | null>(null); // null: not known yet
export const unread = signal<string | null>(null); // why not
export const form = signal<Form>(EMPTY);
export const busy = signal<"try" | "apply" | "back" | null>(null);
export const refused = signal<string | null>(null);
export const notTakenBack = signal<string | null>(null);

export interface Outcome {
  key: string; // the request it answers
  before: Input[]; // what counted then
  answer: CalibrationAnswer;
}
export const outcome = signal<Outcome | null>(null);

export const set = (change: Partial<Form>) => {
  form.value = { ...form.value, ...change };
  refused.value = null;
};

export const input = computed<Input | null>(() => inputOf(form.value, calibration.value?.inputs ?? [], live.value?.roles));

const request = computed(() => (input.value ? requestOf(form.value, input.value, calibration.value?.inputs ?? [], zone.value) : null));
const key = computed(() => JSON.stringify(request.value));

/* The outcome that the page shows: of what the form says now, or what was applied last. */
export const shown = computed<Outcome | null>(() => {
  const o = outcome.value;
  return o && (o.answer.kept || o.key === key.value) ? o : null;
});

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));

export async function look() {
  try {
    calibration.value = await getCalibration();
    unread.value = null;
  } catch (error) {
    unread.value = words(error);
  }
}

async function ask(check: boolean) {
  if (!request.value || busy.value) return;
  const asked = key.value;
  const before = calibration.value?.inputs ?? [];
  busy.value = check ? "try" : "apply";
  refused.value = null;
  try {
    const answer = await calibrate({ ...request.value, ...(check ? { check: true } : {}) });
    outcome.value = { key: asked, before, answer };
    if (!check) set({ value: "", since: "" }); // not to be applied twice
  } catch (error) {
    outcome.value = null;
    refused.value = words(error);
  }
  if (!check) await look(); // also after a failure: what was kept may be kept
  busy.value = null;
}

export const attempt = () => ask(true);
export const apply = () => ask(false);

export async function back(number: number) {
  if (busy.value) return;
  busy.value = "back";
  notTakenBack.value = null;
  outcome.value = null;
  try {
    await takeBack(number);
  } catch (error) {
    notTakenBack.value = words(error);
  }
  await look();
  busy.value = null;
}

/* At the start, and when the device was away: it may have other inputs now. */
export const watchCalibration = () =>
  effect(() => {
    returns.value;
    void look();
  });
