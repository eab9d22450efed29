// Owns what the smoke test counts: each check by name, whether it held, and what was found. Never looks at a host itself.

import { Stalled } from "./emulated-host.mjs";

/**
 * A list of checks; one that fails is noted and the next goes on. What a stalled host does is no finding.
 * @param {(line: string) => void} say
 */
export function openChecks(say) {
  const failed = [];
  let passed = 0;
  /**
   * Resolves with what `work` resolves with, or undefined where it failed.
   * @template Value
   * @param {string} name
   * @param {(note: (finding: string) => void) => Promise<Value>} work
   * @returns {Promise<Value | undefined>}
   */
  async function check(name, work) {
    let finding = "";
    try {
      const value = await work((text) => (finding = `  ${text}`));
      passed += 1;
      say(`✓ ${name}${finding}`);
      return value;
    } catch (error) {
      if (error instanceof Stalled) throw error;
      failed.push(name);
      say(`✗ ${name}\n${indent(error instanceof Error ? error.message : String(error))}`);
      return undefined;
    }
  }
  return { check, counts: () => ({ passed, failed: failed.length }) };
}

/** The result itself, when the command ended as wanted. */
export function expectCode(result, wanted) {
  if (result.code === wanted) return result;
  throw new Error(`ended with ${result.code}, wanted ${wanted}\n${end(result.stdout)}${end(result.stderr)}`);
}

export function expectMatch(what, text, pattern) {
  if (!pattern.test(text)) throw new Error(`${what}: ${pattern} is not in\n${end(text)}`);
}

const end = (text) => text.split("\n").slice(-25).join("\n");
const indent = (text) => text.replaceAll(/^/gmu, "    ");
