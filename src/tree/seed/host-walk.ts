// Owns running the program that looks below an opened folder, and its deadline. Never knows what is looked for.
import type { Readable } from "node:stream";
import { PyroError } from "../../base/error.js";
import { startProgram } from "../../base/streaming-program.js";
import { findInstallation } from "../../base/installation.js";
import type { HostFolder } from "./host-folder.js";
import type { ByteString } from "../tar/entry.js";

/** `list` and `holdups` take no input; the others take paths, each after the letter of what it was and before a NUL. */
export type WalkMode = "list" | "stat" | "holdups" | "pack" | "digest";

export interface Walk {
  readonly folder: HostFolder;
  readonly mode: WalkMode;
  /** Undefined for none, which ends when `read` is done. */
  readonly input: ByteString | undefined;
  readonly signal: AbortSignal;
  readonly onStderrLine?: (line: string) => void;
}

/** Opens every name beneath the folder's descriptor, never through a link; `read` gets what it finds. */
export async function walkBelow(walk: Walk, read: (stdout: Readable) => Promise<void>): Promise<void> {
  const { folder, mode, input, signal } = walk;
  const { agentPath } = await findInstallation();
  signal.throwIfAborted();
  const program = startProgram({
    command: [agentPath, "hosttree", mode],
    env: {},
    descriptors: [folder.handle.fd],
    onStderrLine: walk.onStderrLine ?? (() => undefined),
  });
  signal.addEventListener("abort", program.kill, { once: true });
  try {
    if (input !== undefined) program.stdin.end(input, "latin1");
    await read(program.stdout);
    program.stdin.end();
    await program.ended;
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, { folder, tail: program.tail });
  } finally {
    signal.removeEventListener("abort", program.kill);
    program.kill();
  }
}

function explain(error: unknown, { folder, tail }: { folder: HostFolder; tail: readonly string[] }): unknown {
  const said = tail.at(-1) ?? "";
  if (said.includes("has no openat2")) {
    return new PyroError("unsupported", "This host lets no program open files beneath a folder (openat2).", {
      hint: "Linux 5.6 or newer is needed; in a container, a seccomp profile that knows openat2.",
      cause: error,
    });
  }
  if (said.includes("that git would wait at")) {
    return new PyroError("failed_precondition", `${folder.path} has more than 1,000 names at which git would wait.`, {
      hint: "Remove the pipes, devices and links to them that are called .gitignore or lie in a folder .git.",
      cause: error,
    });
  }
  if (said.includes("more than 2000000")) {
    return new PyroError("resource_exhausted", `${folder.path} has more than 2,000,000 files and folders.`, {
      hint: "Name a smaller folder.",
      cause: error,
    });
  }
  return error;
}
