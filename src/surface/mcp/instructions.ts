// Owns what a server tells the model before its first call. At most 2,000 characters, which is where hosts cut.
import { defaultEnvironment } from "../../operations/fields.js";

export interface InstructionFacts {
  /** Names of the tools that the server offers; only they are spoken of. */
  readonly tools: readonly string[];
  /** Those that should be there from the start; they are named first. */
  readonly loadedFirst: readonly string[];
  /** Where a workspace's files come from; empty for nowhere. */
  readonly sourceText: string;
  /** What the tools are for, where the server serves one kind of task. */
  readonly task?: string | undefined;
}

/** Characters of a project's path or URL that are shown. */
const maxSourceLength = 160;

export function instructionsOf({ tools, loadedFirst, sourceText, task }: InstructionFacts): string {
  if (!tools.includes("workspace_create")) return [...load(loadedFirst), oneShot].join("\n");
  const source =
    sourceText === ""
      ? "Without seed_path a workspace starts empty."
      : `Without seed_path a workspace starts from ${sourceText.slice(0, maxSourceLength)}.`;
  const steps = workspaceSteps.filter(([tool]) => tools.includes(tool)).map(([, text]) => `- ${text}`);
  return [...load(loadedFirst), what, ...(task === undefined ? [] : [task]), ...steps, source].join("\n");
}

/** Some hosts give their model bare names, which it has to load before it can call them. */
function load(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const prefix = "workspace_";
  const short = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const shown = short.length < 2 ? names.join(", ") : `${prefix}{${short.join(",")}}`;
  return [`Load first, where tools are loaded on demand: ${shown}.`];
}

const oneShot =
  "pyro runs shell commands in disposable Linux virtual machines. vm_run starts a fresh machine, runs one command as " +
  "root in /workspace, returns its exit code and output, and deletes the machine: no file, process or package outlives " +
  "the call, and nothing of the host is visible inside. Put everything that belongs together into one command, " +
  "joined by `&&` or as a here-document. There is no network. The first call may have to install the environment " +
  `(${defaultEnvironment}: git, curl, python3), which takes a minute or two: when it answers deadline_exceeded, call again. A failing ` +
  "command is a normal result; read exit_code and stderr. Keep output short with grep, head or tail: of more " +
  "than 20,000 characters head and tail come back.";

const what =
  "pyro gives you disposable Linux virtual machines, called workspaces, to work in as root. Run code there instead of on " +
  "the host: tests, builds, installs, anything risky. A workspace holds a copy: your own file and shell tools see the host, " +
  "not the copy; nothing reaches the host until you export it. There is no network.";

/** What to say where a tool is offered. */
const workspaceSteps: readonly (readonly [tool: string, text: string])[] = [
  [
    "workspace_create",
    "workspace_create once per task; keep workspace_id. The files are in /workspace, with git. workspace_list finds an earlier one.",
  ],
  [
    "workspace_exec",
    "workspace_exec runs a shell command. A non-zero exit is a result: read exit_code and stderr. Each call is a new shell: " +
      "join steps with && or pass cwd. It kills at timeout_seconds (30): raise it for builds and tests. If state is `running`, " +
      "call workspace_wait with the sequence; do not start it again. Keep output short (grep, head, tail); workspace_logs reads what was cut.",
  ],
  [
    "workspace_patch_apply",
    "Edit with workspace_patch_apply, or workspace_file_write for whole files, not with sed or echo through the shell: no " +
      "quoting, all or nothing, and errors name the line.",
  ],
  [
    "workspace_diff",
    "Look at workspace_diff before you report or export: it is the change; the line in `apply` takes it on the host.",
  ],
  [
    "workspace_export",
    "workspace_export copies a file or folder to a new path in the project, when the user wants it there.",
  ],
  ["workspace_sync_push", "workspace_sync_push brings in later changes from the host."],
  [
    "workspace_reset",
    "Broken state, or a second attempt: workspace_reset rather than repairing. All changes go; keep the diff first.",
  ],
  ["workspace_delete", "workspace_delete when done. Idle workspaces stop, disk kept; using one starts it again."],
  ["vm_run", "vm_run is for one command that needs no files."],
];
