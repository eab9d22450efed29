// Owns asking the daemon of a home how it is and ending it, over its socket. Never starts one.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** @param {string} home */
export async function daemonStatus(home) {
  return call(home, "daemon_status");
}

/** Resolves once its process is gone. @param {string} home */
export async function stopDaemon(home) {
  const { pid } = await daemonStatus(home);
  await call(home, "daemon_stop");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function call(home, operation) {
  const outgoing = request({
    socketPath: join(home, "run", "daemon.sock"),
    method: "POST",
    path: `/v1/operations/${operation}`,
  });
  outgoing.end('{"input":{}}\n');
  const [response] = await once(outgoing, "response");
  const last = (await text(response)).trim().split("\n").at(-1);
  const { result, error } = JSON.parse(last);
  if (error !== undefined) throw new Error(error.message);
  return result;
}

function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}
