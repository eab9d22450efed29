// Says what dist-check does, one line a step with its time and its finding, and at the end whether all of it worked.

const started = performance.now();
let count = 0;

/**
 * Runs one step, which may `say` what it found, and hands on what it returns.
 * @template Value
 * @param {string} name
 * @param {(say: (finding: string) => void) => Promise<Value> | Value} work
 * @returns {Promise<Value>}
 */
export async function step(name, work) {
  const began = performance.now();
  let finding = "";
  try {
    const value = await work((text) => (finding = `  ${text}`));
    count += 1;
    process.stderr.write(`✓ ${name}  ${seconds(began)}${finding}\n`);
    return value;
  } catch (error) {
    process.stderr.write(`✗ ${name}  ${seconds(began)}\n`);
    throw error;
  }
}

export function endSteps() {
  const failed = process.exitCode !== undefined && process.exitCode !== 0;
  const how = failed ? "dist-check failed" : "dist-check passed";
  process.stderr.write(`${how}: ${count} steps in ${seconds(started)}\n`);
}

/** Throws with both values unless they are equal. */
export function expectEqual(what, found, wanted) {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`${what}: found ${left}, wanted ${right}`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
