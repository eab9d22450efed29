// Owns the command lines of the sandbox: unpacking its root, and running the agent in it. Never starts either.
import { join } from "node:path";

/** What results name it by. */
export const compatName = "host_compat";

/** An existing folder of the sandbox alone, into which its root is unpacked. */
export interface SandboxRoot {
  readonly folder: string;
}

const unshared = ["user", "pid", "net", "ipc", "uts", "cgroup-try"].map((name) => `--unshare-${name}`);
const bound = ["--die-with-parent", "--new-session", "--cap-drop", "ALL"];

/** Enough to be root over the root's own files; under no_new_privs uid 0 alone means nothing. */
const capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETUID", "SETGID"];

export function rootPath({ folder }: SandboxRoot): string {
  return join(folder, "root");
}

/**
 * Arguments of bwrap. Not as uid 0, even for root: then unsquashfs changes no owner, and all of the tree is the user's,
 * the one id that there is inside. Device files, which nobody may make, are left out without an error.
 */
export function unpackArguments(root: SandboxRoot, imagePath: string, unsquashfsPath: string): readonly string[] {
  return [
    ...unshared,
    ...bound,
    "--uid",
    "1",
    "--gid",
    "1",
    "--ro-bind",
    "/",
    "/",
    "--bind",
    root.folder,
    root.folder,
    "--clearenv",
    "--",
    unsquashfsPath,
    "-quiet",
    "-no-progress",
    "-no-xattrs",
    "-no-exit-code",
    "-dest",
    rootPath(root),
    imagePath,
  ];
}

export interface AgentSpec extends SandboxRoot {
  /** The static binary. */
  readonly agentPath: string;
  readonly hostname: string;
}

/** Where bwrap shows the agent inside: on a tmpfs, so that the root stays as it was unpacked. */
const agentInside = "/run/.pyro-guest";

/**
 * Arguments of bwrap. The agent's channel is descriptor 3, which bwrap hands on. Where the user
 * is root, the kernel's settings belong to the one id that there is inside, so that all of /proc is read-only.
 */
export function sandboxArguments(spec: AgentSpec): readonly string[] {
  return [
    ...unshared,
    "--disable-userns",
    ...bound,
    "--uid",
    "0",
    "--gid",
    "0",
    ...capabilities.flatMap((name) => ["--cap-add", `CAP_${name}`]),
    "--hostname",
    spec.hostname,
    "--bind",
    rootPath(spec),
    "/",
    "--proc",
    "/proc",
    "--remount-ro",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/run",
    "--ro-bind",
    spec.agentPath,
    agentInside,
    "--chdir",
    "/",
    "--clearenv",
    "--",
    agentInside,
    "compat",
  ];
}
