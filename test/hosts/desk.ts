// Owns a user's desk for one test: a HOME with nothing but a project in it, a PYRO_HOME, one chat host. Leaves nothing.

import { deepStrictEqual } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import * as z from "zod";
import { runFolder, startProgram, type Finished, type Started } from "../e2e/command.js";
import { eventually } from "../e2e/eventually.js";
import { openHome, type Home, type HomeOptions } from "../e2e/home.js";
import { processesOf, type HomeProcess } from "../e2e/processes.js";
import { headlessHosts } from "./headless.js";
import { chatHost, chatHostBin, type ChatHost } from "./hosts.js";
import { interactiveHosts } from "./interactive.js";
import { makeProject, type Project } from "./project.js";
import { openScreen, type Screen } from "./screen.js";

export interface Desk extends AsyncDisposable {
  /** The user's HOME; it and the project have a space in their names. */
  readonly user: string;
  readonly home: Home;
  readonly project: Project;
  /** Runs `pyro` as this user, in the project, to its end. */
  pyro(...args: readonly string[]): Promise<Finished>;
  /**
   * The host without a person, in the project. It gets nothing of pyro's settings but what is registered. It leads
   * a process group, as one that was typed into a terminal does.
   */
  prompt(text: string, modelUrl: string, options?: PromptOptions): Started;
  /** The host in a terminal, in the project, of a user who knows it. */
  screen(modelUrl: string): Screen;
  /** Processes of this user, without pyro's daemon and its machines. */
  processes(): readonly HomeProcess[];
}

export interface PromptOptions {
  /** False: what the user allows stands in the host's own settings. */
  readonly leave: boolean;
}

const workspaceList = z.object({ workspaces: z.array(z.object({ workspace_id: z.string() })) });

/** A host must have ended by then; longer than any script here takes on a busy machine. */
const timeoutMs = 900_000;

export async function openDesk(host: ChatHost, options: Pick<HomeOptions, "cold"> = {}): Promise<Desk> {
  const folder = mkdtempSync(join(runFolder(), "desk-"));
  const user = join(folder, "home folder");
  mkdirSync(user);
  const project = makeProject(join(user, "my project"));
  const home = openHome(options);
  const path = [chatHostBin(), dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const env = { PATH: path, HOME: user };
  const processes = () => processesOf(user).filter(({ kind }) => kind === "other");
  return {
    user,
    home,
    project,
    pyro: (...args) => home.pyro(args, { env, cwd: project.path }),
    prompt: (text, modelUrl, { leave } = { leave: true }) => {
      const { args, leave: allowed, env: more } = headlessHosts[host];
      const command = ["setsid", chatHost(host), ...args(text, modelUrl), ...(leave ? allowed : [])];
      return startProgram(command, { env: { ...env, ...more(modelUrl) }, cwd: project.path, timeoutMs });
    },
    screen: (modelUrl) => {
      const { args, welcome } = interactiveHosts[host];
      welcome(user, project.path);
      const more = headlessHosts[host].env(modelUrl);
      return openScreen([chatHost(host), ...args(modelUrl)], {
        ...{ env: { ...env, ...more }, cwd: project.path, timeoutMs },
      });
    },
    processes,
    [Symbol.asyncDispose]: async () => {
      const left = await eventually(processes, (each) => each.length === 0);
      for (const { pid } of left) process.kill(pid, "SIGKILL");
      try {
        // A script that stopped half way leaves its workspace, as it should.
        for (const id of await workspacesOf(home)) await home.pyro(["workspace", "delete", id]);
      } finally {
        await home[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true, force: true });
      }
      deepStrictEqual(left, [], `${host} left processes`);
    },
  };
}

const logs = z.object({ entries: z.array(z.object({ state: z.string(), canceled: z.boolean() })) });

/** What was run in a workspace. */
export async function commandsOf({ home }: Desk, id: string) {
  return (await told(home, ["workspace", "logs", id], logs)).entries;
}

/** Ids of the workspaces that are there. */
export async function workspacesOf(home: Home): Promise<readonly string[]> {
  const { workspaces } = await told(home, ["workspace", "list"], workspaceList);
  return workspaces.map((each) => each.workspace_id);
}

/** What a command tells as JSON; where it tells something else, that is the error. */
async function told<Result>(home: Home, command: readonly string[], schema: z.ZodType<Result>): Promise<Result> {
  const { code, stdout, stderr } = await home.pyro([...command, "--json"]);
  if (code === 0) return schema.parse(JSON.parse(stdout.toString()));
  throw new Error(`pyro ${command.join(" ")} exited with ${code}: ${stdout.toString()}${stderr}`);
}
