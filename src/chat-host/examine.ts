// Owns examining one host: what its files say, and whether the server starts as the host would start it. Changes nothing.
import type { Task } from "../base/progress.js";
import { version } from "../base/version.js";
import type { ConnectContext } from "./connect.js";
import { describeDifference } from "./entry.js";
import { findOnPath } from "./find-program.js";
import type { HostExamination, HostFinding, HostFindingCode, HostState } from "./finding.js";
import type { Handshake } from "./handshake.js";
import type { ChatHost } from "./host.js";
import {
  judge,
  readHostFiles,
  registrationsOf,
  type HostFiles,
  type Judgement,
  type Registration,
} from "./registration.js";
import { trialOf, type Trial } from "./trial.js";

/** Milliseconds that a server has to give its list of tools. */
const handshakeTimeoutMs = 20_000;

type Say = (code: HostFindingCode, severity: HostFinding["severity"], words: Words) => void;

interface Words {
  readonly text: string;
  readonly fix?: string | null;
}

/** `named`: the user asked for this host, so that it should be there. */
export async function examineHost(
  context: ConnectContext,
  { named }: { readonly named: boolean },
  task: Task,
): Promise<HostExamination> {
  const { host, surroundings } = context;
  const findings: HostFinding[] = [];
  const say: Say = (code, severity, { text, fix = null }) => {
    findings.push({ code, host: host.name, title: host.title, severity, text, fix });
  };
  const installed = (await findOnPath(host.program, surroundings.env)) !== undefined;
  const files = await readHostFiles(host, surroundings);
  const absent = named ? "error" : "info";
  if (!installed)
    say("host_not_installed", absent, { text: `There is no \`${host.program}\` on PATH.`, fix: host.install });
  sayOfFiles(files, say);
  const [registration, ...shadowed] = registrationsOf(host, files.documents);
  if (registration === undefined) {
    if (installed && files.broken.length === 0) {
      say("host_not_connected", absent, { text: "It has no entry for pyro.", fix: `pyro host connect ${host.name}` });
    }
    const state = installed ? "not_connected" : "not_installed";
    return { host: host.name, state, scope: null, file: null, milliseconds: null, findings };
  }
  const condition = host.condition(registration.documents[0].place.scope);
  if (condition !== undefined) say("host_ignored", "info", condition);
  const judgement = await judge(host, registration, context);
  sayOfEntry(host, { registration, judgement, shadowed }, say);
  if (files.switchedOff !== undefined) say("host_disabled", "warning", files.switchedOff);
  const trial = judgement.launch === undefined ? undefined : await trialOf(context, registration, judgement.launch);
  if (trial !== undefined) sayOfTrial(host, { registration, trial }, say);
  const started = trial?.launch === undefined ? undefined : await start(host, trial.launch, task);
  const isOff = findings.some(({ code }) => code === "host_disabled");
  if (judgement.launch === undefined || started !== undefined) {
    sayOfStart(host, { registration, judgement, started, isOff }, say);
  }
  const state: HostState = !installed ? "not_installed" : judgement.differences.length > 0 ? "drifted" : "connected";
  const { scope, path: file } = registration.documents[0].place;
  const milliseconds = started?.kind === "completed" ? started.milliseconds : null;
  return { host: host.name, state, scope, file, milliseconds, findings };
}

function sayOfFiles({ broken, ignored }: HostFiles, say: Say): void {
  for (const { message: text, hint: fix } of broken) say("host_config", "error", { text, fix });
  for (const obstacle of ignored) say("host_ignored", "warning", obstacle);
}

interface Entry {
  readonly registration: Registration;
  readonly judgement: Judgement;
  readonly shadowed: readonly Registration[];
}

function sayOfEntry(host: ChatHost, { registration, judgement, shadowed }: Entry, say: Say): void {
  const { differences, lost } = judgement;
  const [{ place }] = registration.documents;
  const repair = `pyro host repair ${host.name}`;
  const switched = differences.some(({ path }) => path[0] === "enabled");
  const others = differences.filter(({ path }) => path[0] !== "enabled");
  if (switched) say("host_disabled", "warning", { text: `The entry in ${place.path} is switched off.`, fix: repair });
  if (others.length > 0) {
    const why = lost === undefined ? [] : [lost];
    const text = [`The entry in ${place.path} is not what it should be.`, ...why, ...others.map(describeDifference)];
    const loses = lost === undefined ? "" : " (it takes the standard choices)";
    say("host_drifted", "warning", { text: text.join("\n"), fix: `${repair}${loses}` });
  }
  for (const { documents } of shadowed) {
    const [weaker] = documents;
    const text = `The ${place.scope} entry in ${place.path} counts; the ${weaker.place.scope} entry in ${weaker.place.path} does not.`;
    say("host_shadowed", "info", { text, fix: "Remove the one that you do not want." });
  }
}

interface Tried {
  readonly registration: Registration;
  readonly trial: Trial;
}

function sayOfTrial(host: ChatHost, { registration, trial }: Tried, say: Say): void {
  const { origin, isOurs, leftOut } = trial;
  const [{ place }] = registration.documents;
  const whose = origin === "project" ? "the project's entry" : "the entry";
  if (!isOurs) {
    const text = `Nothing was started: ${whose} in ${place.path} does not name this pyro and its Node by their whole paths.`;
    return say("host_untrusted", "warning", { text, fix: `pyro host repair ${host.name}` });
  }
  if (leftOut.length === 0) return;
  if (origin === "user") {
    const text = [`Nothing was started: the entry in ${place.path} says more than a trial starts:`, ...leftOut].join(
      "\n",
    );
    const fix = `Remove from the entry what you have not put there yourself; what you keep is tried when ${host.title} starts it.`;
    return say("host_untrusted", "info", { text, fix });
  }
  const text = [
    `Tried without what ${whose} in ${place.path} says beyond our own command:`,
    ...leftOut,
    `${host.title} would start it with that. Who writes to the project writes this file.`,
  ].join("\n");
  say("host_untrusted", "warning", { text, fix: "Remove from the entry what you have not put there yourself." });
}

/** In the environment and the folder that the host would start it in. */
async function start(
  { name, title, protocol }: ChatHost,
  launch: NonNullable<Trial["launch"]>,
  task: Task,
): Promise<Handshake> {
  task.progress({ phase: `start-${name}`, message: `Starting the server as ${title} would` });
  // The MCP library takes long to load, and only this needs it.
  const { handshake } = await import("./handshake.js");
  return handshake(launch, { signal: task.signal, timeoutMs: handshakeTimeoutMs, protocol });
}

interface Start {
  readonly registration: Registration;
  readonly judgement: Judgement;
  readonly started: Handshake | undefined;
  readonly isOff: boolean;
}

function sayOfStart(host: ChatHost, { registration, judgement, started, isOff }: Start, say: Say): void {
  const repair = judgement.differences.length > 0 ? `pyro host repair ${host.name}` : null;
  const [{ place }] = registration.documents;
  if (started === undefined) {
    return say("host_start", "error", { text: `The entry in ${place.path} names no program.`, fix: repair });
  }
  if (started.kind === "failed") {
    const tail = started.stderrTail === "" ? "" : `\nOn standard error it printed: ${started.stderrTail}`;
    const text = `The registered command did not complete an MCP handshake. ${started.reason}${tail}`;
    const fix = repair ?? "Run the registered command by hand, and see what it says.";
    return say("host_start", "error", { text, fix });
  }
  const { server, tools, protocol, milliseconds } = started;
  const missing = judgement.tools.filter((name) => !tools.includes(name));
  const extra = tools.filter((name) => !judgement.tools.includes(name));
  if (server.name !== "pyro" || server.version !== version || missing.length > 0 || extra.length > 0) {
    const lists = [
      ...(missing.length === 0 ? [] : [`missing: ${missing.join(", ")}`]),
      ...(extra.length === 0 ? [] : [`unknown here: ${extra.slice(0, 20).join(", ")}`]),
    ];
    const who = `${server.name} ${server.version}`.slice(0, 100);
    const text = [`What it starts calls itself ${who}; this is pyro ${version}.`, ...lists].join("\n");
    return say("host_tools", "warning", { text, fix: repair });
  }
  const where = `${place.scope} scope, ${place.path}`;
  const count = `${tools.length} ${tools.length === 1 ? "tool" : "tools"}`;
  const text = `${isOff ? "Switched on, it would get" : "It gets"} ${count} in ${(milliseconds / 1000).toFixed(2)} s by MCP ${protocol} (${where}).`;
  say("host_connected", "ok", { text });
}
