// Proves what Ctrl-C and its like do to `pyro run`: the guest's program gets the first, the second ends the run, nothing stays.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProgram } from "./command.js";
import { eventually } from "./eventually.js";
import { openHome, sharedHome } from "./home.js";

const home = sharedHome();

test("[signal-forwarded] interrupts reach the guest's program, whose exit decides", async () => {
  const expected = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  const codes = await Promise.all(
    (["SIGINT", "SIGTERM", "SIGHUP"] as const).map(async (name) => {
      // `exec`: dash loses an interrupt that comes while it forks, on any Linux, and goes on waiting for its child.
      const started = home.startRun(["sh", "-c", "echo ready; exec sleep 1000"]);
      await started.printed("ready");
      started.child.kill(name);
      return [name, (await started.finished).code];
    }),
  );
  expect(Object.fromEntries(codes)).toEqual(expected);
});

test("[signal-forwarded] a program that handles the interrupt finishes in its own way", async () => {
  const started = home.startRun([
    "sh",
    "-c",
    "trap 'echo cleaned up; exit 7' INT; echo ready; while :; do sleep 0.1; done",
  ]);
  await started.printed("ready");
  started.child.kill("SIGINT");
  const { code, stdout } = await started.finished;
  expect([code, stdout.toString()]).toEqual([7, "ready\ncleaned up\n"]);
});

test("[signal-twice] a program that ignores the interrupt is ended by the second one, with its machine", async () => {
  await using own = openHome({ settings: { pool_size: 0 } });
  const started = own.startRun(["sh", "-c", "trap 'echo ignored' INT; echo ready; while :; do sleep 0.1; done"]);
  await started.printed("ready");
  started.child.kill("SIGINT");
  await started.printed("ignored");
  started.child.kill("SIGINT");
  expect((await started.finished).code).toBe(130);
  await own.emptied();
});

test("[signal-early] an interrupt before the machine runs cancels the run with 130", async () => {
  await using own = openHome({ settings: { pool_size: 0 } });
  // Whoever holds a template's lock builds it; everybody else waits.
  const templates = join(own.path, "cache", "templates");
  const [template = ""] = readdirSync(templates);
  const [key = ""] = template.split(".");
  rmSync(join(templates, template), { recursive: true });
  const hold = ["flock", join(templates, `${key}.lock`), "sh", "-c", "echo held; read end"];
  const holder = startProgram(hold, { env: own.env, stdin: "open" });
  await holder.printed("held");
  const started = own.startRun(["true"]);
  await eventually(own.status, ({ running_calls }) => running_calls === 1);
  started.child.kill("SIGINT");
  const { code, stdout, stderr } = await started.finished;
  expect([code, stdout.toString()]).toEqual([130, ""]);
  expect(stderr).toMatch(/^pyro: Canceled by SIGINT\./u);
  holder.child.stdin?.end();
  await holder.finished;
  await own.emptied();
});
