// Owns putting the sentences of a result into a surface's words. Never knows which surface asks.
import { spell, type Part, type Speaker } from "../base/say.js";
import type { OperationCall, WireResult } from "./connection.js";

/** The result as the callers of one surface read it. */
export function worded({ operation, input }: OperationCall, result: WireResult, speaker: Speaker): WireResult {
  return operation.worded?.(result, input, (said) => spell(said, speaker)) ?? result;
}

/** What those sentences name, for a surface that loads only the operations it spells. */
export function partsOf({ operation, input }: OperationCall, result: WireResult): readonly Part[] {
  const parts: Part[] = [];
  operation.worded?.(result, input, (said) => {
    parts.push(...said.parts);
    return said.plain;
  });
  return parts;
}
