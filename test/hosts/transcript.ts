// Owns the record of one run of the recipe, as a page for people. Names no path of the machine that it ran on.

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { basename, dirname, join } from "node:path";
import { format } from "prettier";
import * as z from "zod";
import { runFolder, type Finished } from "../e2e/command.js";
import type { Desk } from "./desk.js";
import { headlessHosts } from "./headless.js";
import { chatHost, chatHostBin, chatHostVersion, type ChatHost } from "./hosts.js";
import type { ScriptedModel } from "./models/scripted-model.js";

/** A command that was run, with moments in milliseconds of performance.now(). */
export interface Timed {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: Finished;
}

export interface RecipeRun {
  readonly host: ChatHost;
  readonly desk: Desk;
  readonly model: ScriptedModel;
  readonly prompt: string;
  readonly answer: string;
  readonly prepared: Timed;
  readonly connected: Timed;
  readonly prompted: Timed;
}

/** Characters of a call's arguments or result that are shown. */
const maxShown = 220;

/** After `pyro`. */
export function connectCommand(host: ChatHost): readonly string[] {
  return ["host", "connect", host, "--mode", "repro-fix"];
}

/** Prints the page, and writes it into the folder that PYRO_TEST_TRANSCRIPTS names. */
export async function record(run: RecipeRun): Promise<void> {
  const { stdout } = await run.desk.home.pyro(["daemon", "status", "--json"]);
  const { accelerator } = z.object({ accelerator: z.string() }).parse(JSON.parse(stdout.toString()));
  const page = await format(pageOf(run, accelerator), { parser: "markdown", printWidth: 120, proseWrap: "preserve" });
  process.stdout.write(`\n${page}\n`);
  const folder = process.env["PYRO_TEST_TRANSCRIPTS"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${run.host}.md`), page);
}

function pageOf(run: RecipeRun, accelerator: string): string {
  const { host, desk, model, prepared, connected, prompted } = run;
  const offered = model.offered?.at;
  const offers = `the host offers the ${model.offered?.tools.length} tools to its model`;
  const firstExec = model.calls.find(({ tool }) => tool === "workspace_exec");
  const rows = model.calls.map((call, index) => {
    const { workspace_id: _id, ...args } = call.args;
    const cells = [code(call.tool), code(JSON.stringify(args)), seconds(call.askedAt, call.answeredAt)];
    return row([String(index + 1), ...cells, code(essence(call.result ?? ""))]);
  });
  const text = [
    `# ${host} ${chatHostVersion(host)}, headless, from an empty HOME`,
    `Recorded by \`make smoke-hosts RECORD=1\` on ${new Date().toISOString().slice(0, 10)}, on ` +
      `${availableParallelism()} processors with ${accelerator}, at a load average of ${(loadavg()[0] ?? 0).toFixed(1)}. The host is the real one, and so are pyro and its machines. The model is a ` +
      "script on loopback: it says which tool to call next, and checks what the host gives it back. Paths of that machine are replaced by neutral ones.",
    "## Commands",
    fenced(
      [
        "$ pyro prepare debian:12",
        prepared.outcome.stdout.toString().trimEnd(),
        `\n$ pyro ${connectCommand(host).join(" ")}`,
        connected.outcome.stdout.toString().trimEnd(),
        `\n$ ${typed(run)}`,
        run.answer,
      ].join("\n"),
    ),
    "The host's output is shortened to the model's last words.",
    "## Tool calls",
    "Seconds are from the model's answer to the request that brings the result, so the host's own time is in them.",
    [
      row(["#", "tool", "arguments", "seconds", "result, as the model sees it"]),
      "| - | - | - | -: | - |",
      ...rows,
    ].join("\n"),
    "## Times",
    [
      row(["what", "seconds"]),
      "| - | -: |",
      row(["`pyro prepare`, of an installed environment", seconds(prepared.startedAt, prepared.endedAt)]),
      row(["`pyro host connect`", seconds(connected.startedAt, connected.endedAt)]),
      row([`start of \`pyro host connect\` → ${offers}`, seconds(connected.startedAt, offered)]),
      row([`prompt → ${offers}`, seconds(prompted.startedAt, offered)]),
      row(["prompt → result of the first `workspace_exec`", seconds(prompted.startedAt, firstExec?.answeredAt)]),
      row(["prompt → end of the host", seconds(prompted.startedAt, prompted.endedAt)]),
    ].join("\n"),
  ].join("\n\n");
  return neutral(text, desk, model);
}

function typed({ host, model, prompt }: RecipeRun): string {
  const { env, args, leave } = headlessHosts[host];
  const settings = Object.entries(env(model.url)).map(([name, value]) => `${name}=${quoted(value)}`);
  return [...settings, basename(chatHost(host)), ...[...args(prompt, model.url), ...leave].map(quoted)].join(" ");
}

function neutral(text: string, { user, home }: Desk, { url }: ScriptedModel): string {
  return text
    .replaceAll(url, "http://127.0.0.1:PORT")
    .replaceAll(user, "~")
    .replaceAll(home.path, "~/.pyro")
    .replaceAll(home.env["PYRO_ENVIRONMENT_CACHE_DIR"] ?? "~", "~/.cache/pyro-mcp/environments")
    .replaceAll(join(runFolder(), "dist"), "/opt/pyro/dist")
    .replaceAll(chatHostBin(), "/usr/local/bin")
    .replaceAll(dirname(process.execPath), "/usr/bin");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Without what names the workspace, repeats the command and underlines. */
function essence(result: string): string {
  return result.replace(/^.*?(?="state":)/su, "… ").replaceAll(/={5,}|-{5,}/gu, "…");
}

function seconds(from: number, to: number | undefined): string {
  return to === undefined ? "-" : ((to - from) / 1000).toFixed(2);
}

function short(text: string): string {
  const line = text.replaceAll("\n", " ");
  return line.length <= maxShown ? line : `${line.slice(0, maxShown)} …`;
}

function code(text: string): string {
  return `\`${short(text).replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}

function quoted(word: string): string {
  return /^[\w./:=-]+$/u.test(word) ? word : `'${word}'`;
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}
