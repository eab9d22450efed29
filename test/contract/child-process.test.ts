// Proves that programs are started in one room, which knows how to end them, and by the supervisor, which ends machines.

import { expect, test } from "vitest";
import { checkoutFiles } from "./checkout.js";

const MAY_START = ["src/base/child-process.ts", "src/engine/supervisor.ts"];
const MODULE = /["'](?:node:)?(?:child_process|cluster)["']/u;

test("only the room of child processes and the supervisor start a program", () => {
  const rooms = checkoutFiles((path) => path.startsWith("src/") && path.endsWith(".ts") && !path.endsWith(".test.ts"));
  expect(rooms.filter(({ text }) => MODULE.test(text)).map(({ path }) => path)).toEqual(MAY_START);
});
