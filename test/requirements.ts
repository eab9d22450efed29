// What pyro promises to its users, one sentence each. Every e2e test cites the promises it keeps as [promise-id]; test/contract/promises.test.ts checks both ways.

/** Promise id → the promise. */
export const requirements: Readonly<Record<string, string>> = {
  "run-exit-code": "`pyro run` exits with the guest command's code, 128+n when signal n ended it.",
  "run-cannot-start": "A command that is not found is 127, one that cannot be executed 126, as in a shell.",
  "terminal-input":
    "Of a terminal nothing is passed on: what would only read it is refused before it starts, and why a command ended is said.",
  "delete-several":
    "Several or all workspaces are deleted by one command, all only after a question; a patch may be piped in, an export needs no name.",
  "short-words": "Short words that hands know work, and for an unknown word or flag the one that was meant is named.",
  "run-json":
    "With `--json` one document on standard output tells everything about the run, and nothing else is there.",
  "run-timeout": "`--timeout-seconds` kills everything the command started and exits 124.",
  "run-memory": "A machine has the memory that was asked for.",
  "run-vcpus": "A machine has the processors that were asked for.",
  "run-oom": "A guest that eats all its memory is a result, reported as `oom_killed`.",
  "run-own-failure": "Failures of `pyro run` itself exit 125, with `pyro: …` and what to do on standard error.",
  "usage-64": "Bad usage is refused by name with exit code 64, before anything starts.",
  "error-document": "With `--json` every failure is one document with code, message and hint.",
  admission: "Memory that the host cannot give is refused with the numbers.",
  "no-engine": "Where no machine can be started, a run exits 69 with the reason and the fix.",
  "home-too-long": "A PYRO_HOME without room for socket paths is refused with the way out.",
  "homes-apart": "A user's homes have a daemon each and do not disturb each other.",

  "output-whole": "Output is never lost or reordered within a stream, whatever its size and bytes.",
  "output-apart": "Standard output and standard error stay apart.",
  "output-live": "Output arrives while the command runs.",
  "output-bounded": "Output that nobody takes live is kept up to 64 MiB a stream; what is dropped is counted.",
  "output-closed": "When nobody reads the output any more, the run ends, and its machine with it.",
  "stdin-whole": "Standard input that is piped in arrives whole.",
  "stdin-none": "Without anything to read on standard input, the guest's is empty.",
  "stdin-unread": "A command that does not read its input ends when it ends.",
  "daemonised-child": "A child that goes on in the background does not hold up the end of a run.",
  "arguments-untouched": "What follows `--` reaches the guest's program byte for byte.",
  "signal-forwarded": "Ctrl-C, SIGTERM and SIGHUP reach the guest's program, whose exit decides.",
  "signal-twice": "The second Ctrl-C ends a run whose program ignores the first.",
  "signal-early": "Ctrl-C before the machine runs cancels with 130.",

  "guest-folder": "Commands run as root in /workspace.",
  "guest-environment":
    "Commands get the documented environment, nothing of the host's, and PATH survives login shells.",
  "guest-names": "Each machine has a host name of its own.",
  "guest-clock": "The guest's clock is right.",
  "guest-isolation": "Programs in a machine may make namespaces of their own, and find nothing of the host.",
  "network-off": "Without a network policy there is no way out of a machine.",
  "disk-size": "A machine's disk has 20 GiB.",
  "disk-sparse": "A disk takes as much room on the host as was written to it.",
  "git-works": "git works at once in a repository of any owner.",
  "own-identity": "Machines of one template share no random bytes, names or ids.",
  "parallel-runs": "Runs at the same time do not disturb each other.",
  "nothing-kept": "Nothing of a run is kept.",

  "daemon-on-demand": "The daemon starts when it is needed, and not before.",
  "daemon-once": "First calls at the same time start one daemon.",
  "daemon-independent": "The daemon has nothing of its first caller's folder, environment, session or descriptors.",
  "daemon-idle": "An idle daemon ends by itself; one with work to do does not.",
  "daemon-status": "`pyro daemon status` tells whether one runs, and with how much to do.",
  "daemon-stop": "`pyro daemon stop` ends the daemon and every run, which says so.",
  "daemon-remains": "What a dead daemon left, or a garbled record of a living one, does not stop the next call.",
  "daemon-killed": "kill -9 of the daemon: callers get a clear error, one-shot machines go, the next run works.",
  "settings-refused": "A wrong settings file is named, with the field that is wrong.",
  "machine-killed": "A machine that ends in the middle of a run is a clear error and leaves nothing.",
  "caller-killed": "kill -9 of the caller removes its machine.",
  ttl: "A machine is removed at its time to live, whatever happens to the daemon.",
  "crash-while-starting": "A daemon killed while it prepares leaves nothing half made in use.",
  "template-used": "Machines are restored from a template that is made once.",
  "template-repaired": "A broken template is never trusted: it costs one boot and is made anew.",
  "template-replaced": "A template that is made anew, or removed, fails nobody who is starting from it.",
  pool: "A warm machine waits for the next run, and never outlives the daemon.",
  "pool-off": "The pool can be switched off.",

  "doctor-proves": "`pyro doctor` proves by a boot whether `pyro run` works, and exits 0 exactly then.",
  "doctor-start": "`pyro doctor --environment ENV` says whether it starts warm, cold or stale, and why.",
  "doctor-fixes":
    "`pyro doctor --fix` repairs what is safe to repair and says what it did; without it nothing changes.",
  "kvm-lost":
    "Where KVM is lost under a daemon, a run goes on under emulation and says so in one line; nothing saved goes.",
  "engine-forced": "An engine that is asked for is used or refused with its reason, never replaced.",

  prepare:
    "`pyro prepare` installs, saves a machine, proves a workspace once and records it; done again, it answers at once.",
  "prepare-continues":
    "A preparation that is interrupted, at whatever point and however, leaves nothing, and the next one completes it.",
  "prepare-together": "Two preparations at once do the work once.",
  "prepare-refused":
    "What cannot be prepared is refused with the reason and the next step, before anything is installed.",

  "compat-run":
    "With `--allow-host-compat` a host without machines runs a command in a sandbox, with the same streams, limits and result.",
  "compat-confined": "A sandbox shows a command nothing of the host's files, processes, network and settings.",
  "compat-crash": "A sandbox never outlives its daemon, and leaves nothing.",
  "compat-asked": "A sandbox is used only where it is allowed and no virtual machine can start.",

  "help-every-level": "`--help` works at every level, and shows the way in at the top; `--version` works.",
  "compiled-kept": "What is compiled of a command is kept for its next start, in a folder of this user's alone.",
  "daemon-not-started": "Asking about the daemon or stopping it never starts one.",
  "progress-on-stderr": "Progress is on standard error, as plain lines where that is no terminal.",
  demo: "`pyro demo` shows the life of a one-shot machine.",
  "demo-ollama":
    "`pyro demo ollama` lets a model repair a project in a workspace, says each step, and leaves nothing; what goes wrong is said.",
  "mcp-at-once": "The MCP server answers initialize and tools/list before any daemon or machine exists.",
  "mcp-vm-run": "`vm_run` runs one shell command in a machine of its own.",
  "mcp-errors": "Over MCP an error is a result with a code, a message and the next call to make.",
  "mcp-too-long": "A call that is longer than a server takes is answered with an error, and the server goes on.",
  "mcp-bounded": "A result is never larger than chat hosts take.",
  "mcp-progress": "A client that sends a progress token hears of progress.",
  "mcp-cancel": "Canceling a call stops what runs in the guest.",
  "mcp-ends": "The MCP server ends when its standard input does.",
  "mcp-piped": "Requests that are piped in are answered.",
  "mcp-refused": "A profile or mode that is not built is refused by name.",
  "environment-content": "debian:12 has its tools, its own apt sources and nothing of the host.",
  "environment-release":
    "A Debian release that the host's apt has no source of is installed from the host's Debian mirror, and runs.",
  "environment-mirror":
    "The Debian mirror that the user names is used before the host's own, and its password is never shown.",
  "environment-repair": "A damaged image is found by inspect, and the next pull makes it whole again.",
  "environment-cooperate": "Two pulls of one environment cooperate; when the builder is killed the other takes over.",
  "workspace-adopted": "A command goes on while no daemon runs; the next daemon has all of its output and its end.",
  "workspace-ends":
    "Delete, reset and stop wait for nothing that works inside; a stop keeps what was written, or says that it may not have.",
  "workspace-crash":
    "A daemon killed at any moment leaves every workspace whole or cleanly gone, and the host's files as they were.",
  "workspace-story":
    "A failure is reproduced, fixed, diffed, exported and reset in a workspace; the checkout stays untouched.",
  "workspace-surfaces": "The same operations have equal results on the command line, over MCP and in the SDK.",
  "workspace-exec": "`workspace exec` passes input, output and exit code through; its own failures are 125.",
  "workspace-detach": "A command goes on without its caller, and `workspace wait` ends as it did.",
  "workspace-names": "A workspace is found by id, unique prefix and name; names are unique, labels can be changed.",
  "workspace-print": "`--id-only`, `--content-only` and the diff are exact bytes, fit for scripts and `git apply`.",
  "workspace-diff-whole":
    "A patch of up to 256 MiB goes out and in whole; what no patch holds is named, and a path that names nothing is refused.",
  "workspace-diff-ignored":
    "New files that git ignores, such as installed packages, are counted and left out of diff and summary, unless asked for.",
  "workspace-git": "status, log, stash and rebase work inside /workspace as in the checkout it came from.",
  "workspace-git-safety":
    "A checkout makes git on the host run nothing, whatever its settings name and its clone lacks.",
  "workspace-lender":
    "Objects that a checkout borrows from another repository come along only from folders that the user allowed.",
  "workspace-include":
    "Ignored files that the user includes are there from the start, in no diff and after a reset; a pushed folder goes in as one.",
  "workspace-git-inside":
    "Git in a workspace works on a copied checkout without what only the host has: a first commit has an author, a missing filter holds up nothing.",
  "workspace-edges":
    "A single file, a link, what is no file at all and what a command leaves in the background are handled and told of as such.",
  "workspace-odd-names": "File names that are no text come into a workspace and out of it as they are.",
  "workspace-redirected":
    "Whatever root inside does to the layers of its files, diffs and exports bring what the guest and its seed hold, nothing else.",
  "mcp-core": "The core tools of MCP do what they say, within the size that chat hosts take.",
  "mcp-project": "A server started in a checkout seeds from it; the user can choose otherwise, and the environment.",
  "mcp-confined": "Over MCP no path of the host outside the project and the allowed folders is read or written.",
  "mcp-in-time": "No call over MCP takes longer than 45 s; a long command goes on and can be waited for.",
  "mcp-modes": "A mode offers the tools of one kind of task.",
  "host-recipe":
    "Claude Code, Codex and OpenCode, as they are, take a change from a failing test to an exported fix in a workspace.",
  "host-results":
    "Claude Code, Codex and OpenCode show their models our errors with code and hint, and the exit code of a command with long output.",
  "host-only-place":
    "With the settings that a host's page shows, a workspace is the only place where its model runs commands.",
  "host-in-time": "No call reaches the time limit of Claude Code, Codex or OpenCode, however long its command takes.",
  "host-interrupted":
    "A chat host that is interrupted or killed leaves no process, and its workspace can be used further.",
  "host-screen":
    "On their screens Claude Code, Codex and OpenCode show our tools, run them when allowed, and Esc stops the command in the guest.",
  "use-case-repro-fix": "The recipe repro plus fix loop works as its document says.",
  "use-case-parallel": "The recipe parallel workspaces works as its document says.",
  "use-case-inspection": "The recipe untrusted inspection works as its document says.",
  "use-case-daily": "The recipe daily loop works as its document says.",
  "host-absent": "A chat host that is not installed or not connected is no fault unless it was named.",
  "host-connect":
    "`host connect` registers the server once, keeps the host's other settings, and the host connects to it.",
  "host-scope": "An entry is the user's or the project's, and `host doctor` says which one counts.",
  "host-print": "`host print-config` prints an entry that starts the server from any folder, with any PATH.",
  "host-refused": "Host commands refuse choices that contradict each other, and planned ones by name.",
  "host-untrusted": "`pyro host doctor` starts nothing that a project's file names, and no program but this pyro.",
  "host-doctor": "`host doctor` names each field that drifted, and really starts the server as the host would.",
  "host-repair": "`host repair` changes our entry alone, keeps its choices, and every other byte of the file.",
  "host-broken": "A host's file that cannot be parsed is reported with its line, and left untouched.",
  "sdk-workspace": "A workspace of the SDK is deleted when it is disposed; the examples run as they stand.",
  "sdk-example": "The example of the SDK's reference runs as it stands.",
  "sdk-streams": "The SDK streams output and passes standard input on.",
  "sdk-cancel": "A signal cancels an SDK call.",
  "sdk-server": "`createServer` gives an MCP server to embed.",
  "daemon-log":
    "`pyro daemon log` tells what the daemon did and why a machine was not faster, whether one runs or not, and nothing that callers sent.",
  "daemon-audit": "Everything that pyro has on the host has an owner; what has none is named.",
};
