// Proves that whatever is thrown reaches a caller as an error with a code and a way on.
import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import { asPyroError, PyroError } from "../../../src/base/error.js";

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("a right that is missing on the host is no fault of pyro's", () => {
  const error = Object.assign(new Error("EACCES: permission denied, mkdir '/x'"), { code: "EACCES" });
  expect(asPyroError(error).toBody()).toEqual({
    code: "permission_denied",
    message: "EACCES: permission denied, mkdir '/x'",
    hint: "Give this user the right to what the message names, or set PYRO_HOME to a folder of its own.",
  });
});

test("a full disk says what frees room, an abort is canceled, what is unknown is internal, what is known stays", () => {
  const known = new PyroError("not_found", "gone");
  const noSpace = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
  const errors = [noSpace, AbortSignal.abort().reason, thrownBy(() => mkdirSync("\0")), "text", known];
  expect(errors.map((error) => asPyroError(error).code)).toEqual([
    ...["resource_exhausted", "canceled", "internal", "internal", "not_found"],
  ]);
  expect(asPyroError(known)).toBe(known);
});
