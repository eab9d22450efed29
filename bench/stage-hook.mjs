// Loaded into pyro's processes by `node --import`: writes the stages of a call, with the time, to $PYRO_BENCH_STAGES. Changes nothing.
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

const file = process.env.PYRO_BENCH_STAGES;
const role = process.argv.includes("daemon") ? "daemon" : "command";
const now = () => performance.timeOrigin + performance.now();
let lines = "";

/** @param {string} stage @param {string} [id] of the machine @param {number} [at] */
function note(stage, id = "", at = now()) {
  lines += `${JSON.stringify({ role, stage, id, at })}\n`;
}

function flush() {
  appendFileSync(file, lines);
  lines = "";
}

if (role === "command") {
  note("process started", "", performance.timeOrigin);
  note("node started");
  subscribe("net.client.socket", () => note("connecting to the daemon"));
  subscribe("http.client.response.finish", () => note("answer read"));
  process.on("exit", () => {
    note("process ends");
    flush();
  });
} else {
  subscribe("http.server.request.start", () => note("request in daemon"));
  subscribe("pyro:stage", ({ stage, id, at }) => note(stage, id, at));
  subscribe("http.server.response.finish", () => {
    note("answer sent");
    flush();
  });
}
