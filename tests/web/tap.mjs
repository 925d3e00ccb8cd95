/* TAP: one line a check, `ok N - sentence`; a failed check says why and the rest still run. */
let count = 0;
let failed = 0;

export async function check(sentence, body) {
  count++;
  try {
    await body();
    console.log(`ok ${count} - ${sentence}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${count} - ${sentence}`);
    for (const line of String(error.message ?? error).split("\n")) console.log(`# ${line}`);
  }
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/* Waits until `question` holds; the sentence says what did not happen. */
export async function until(question, seconds, sentence) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${sentence} within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
