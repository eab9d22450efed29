// Owns a user for the tests of connecting: a HOME with a blank in its name, a project, a PYRO_HOME, all hosts on PATH. Leaves nothing.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { runFolder, startProgram, type Finished } from "../e2e/command.js";
import { openHome } from "../e2e/home.js";
import { chatHost, chatHostBin, type ChatHost } from "./hosts.js";
import { makeProject } from "./project.js";

export type ConnectUser = ReturnType<typeof openConnectUser>;

/** Paths that `write` and `read` take are relative to HOME; commands run in the project unless told otherwise. */
export function openConnectUser() {
  const folder = mkdtempSync(join(runFolder(), "connect-"));
  const user = join(folder, "home folder");
  mkdirSync(user);
  const { path: project } = makeProject(join(user, "my project"));
  const home = openHome();
  // Of pyro's settings the hosts get what was registered.
  const own = { PATH: [chatHostBin(), dirname(process.execPath), process.env["PATH"]].join(delimiter), HOME: user };
  const pyro = (
    args: readonly string[],
    { cwd = project, env = {} }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Finished> => home.pyro(args, { env: { ...own, ...env }, cwd });
  return {
    user,
    project,
    pyro,
    json: async (...args: string[]) => {
      const { code, stdout } = await pyro([...args, "--json"]);
      return { code, ...JSON.parse(stdout.toString()) };
    },
    host: async (name: ChatHost, args: readonly string[], cwd = project) => {
      const { code, stdout, stderr } = await startProgram([chatHost(name), ...args], { env: own, cwd }).finished;
      return { code, printed: `${stdout.toString()}${stderr}` };
    },
    write: (path: string, text: string) => {
      mkdirSync(dirname(join(user, path)), { recursive: true });
      writeFileSync(join(user, path), text);
    },
    read: (path: string) => readFileSync(join(user, path), "utf8"),
    /** The text as it would be for a user of this name on another machine. */
    withoutPaths: (text: string) =>
      [
        [home.path, "/home/you/.pyro"],
        [folder, "/home/you"],
        [runFolder(), "/opt/pyro"],
        [process.env["PYRO_ENVIRONMENT_CACHE_DIR"] ?? "", "/home/you/environments"],
        [chatHostBin(), "/usr/local/bin"],
        [process.execPath, "/usr/bin/node"],
      ].reduce((shown, [path, name]) => (path === "" ? shown : shown.replaceAll(path ?? "", name ?? "")), text),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}
