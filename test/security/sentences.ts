// Owns which test proves which sentence of SECURITY.md; test/contract/security.test.ts checks both ways. Never tests anything.

/** Of a sentence that promises nothing: a heading, a warning, or something to do. */
export const noPromise = "no promise";

/** `FILE: NAME` of each test that proves it. */
export type Proof = typeof noPromise | readonly string[];

const devices =
  "test/security/machine-devices.test.ts: a machine has three drives, one virtio serial bus and a console, QEMU its filter, and there is no other device";
const found =
  "test/e2e/guest.test.ts: [guest-folder] [guest-environment] [guest-names] [guest-isolation] [network-off] [disk-size] a program finds what the contract says";
const gone =
  "test/e2e/guest.test.ts: [disk-sparse] [nothing-kept] what a run writes takes only that much of the host's disk, and is gone afterwards";
const compat = (name: string) => `test/e2e/compat.test.ts: ${name}`;
const confined =
  "test/e2e/workspace-mcp.test.ts: [mcp-confined] no path of the host outside the project and the allowed folders is read or written";
const exported = (name: string) => `test/unit/tree/export/export.test.ts: ${name}`;
const placed = (name: string) => `test/security/export-place.test.ts: ${name}`;
const repository = (name: string) => `test/security/export-repository.test.ts: ${name}`;
const seeded = (name: string) => `test/unit/tree/seed/git.test.ts: ${name}`;
const hostGit = (part: string, name: string) => `test/security/host-git${part}.test.ts: ${name}`;
const doctored = (name: string) => `test/security/host-doctor.test.ts: ${name}`;
const shown = (name: string) => `test/security/terminal.test.ts: ${name}`;

/** In the order of SECURITY.md, without its emphasis. */
export const sentences: Readonly<Record<string, Proof>> = {
  "A virtual machine (engine `qemu`, with KVM or software emulation).": noPromise,
  "The code you run is confined by a machine of its own: its own kernel, its own memory, drives that are files of pyro's.":
    [found, devices],
  "Host and guest are joined by one byte stream with a typed protocol and by the guest's console, of which the host reads the end, and by nothing else: no network device, no shared folder, no clipboard.":
    [devices, found],
  "The host treats every byte from the guest as hostile: sizes are bounded, paths and cursors checked, every call has a deadline.":
    [
      exported("too many entries, too many bytes, and a truncated stream"),
      exported("random bytes changed in an archive never write outside, and either fit or are refused"),
      shown(
        "what a guest says of a failure is 500 characters on one line, without its details, to a person and to a model",
      ),
    ],
  "QEMU itself runs as your user, under its seccomp filter (`-sandbox on` with spawning, privilege changes and resource control denied), so that a fault in its device emulation does not at once become your shell.":
    [devices],
  "It has three block devices, one virtio serial bus and one ISA serial port, under emulation also a PIT, a PIC and an RTC, and no other device.":
    [devices],
  "It is still a program of yours: a complete escape from QEMU and its filter has your user's rights.": noPromise,
  "Software emulation is the same boundary as KVM, only slower.": [devices],
  "The guest gets no nested virtualisation (`svm`, `vmx`) and no performance counters: the parts of KVM with most of its escapes are out of its reach, and under emulation as much of QEMU's code.":
    [
      found,
      "test/unit/engine/qemu/arguments.test.ts: a guest has neither nested virtualisation nor performance counters",
    ],
  "The sandbox on the host (engine `host_compat`) is a weaker boundary.": noPromise,
  "`pyro run --allow-host-compat`, or `vm_run` with `allow_host_compat`, uses it where no virtual machine can start, and nothing else ever does; each result names it.":
    [
      compat(
        "[compat-asked] without the flag a run exits 69 with the reason and the way out, and a workspace is refused",
      ),
      compat(
        "[compat-asked] where a virtual machine can start, the flag changes nothing; an engine asked for is not replaced",
      ),
      compat("[compat-run] output, input and exit code pass through, and the result names the engine"),
    ],
  "The command runs under bubblewrap on an unpacked copy of the environment, with namespaces of its own for users, processes, mounts, network, IPC and names, without further user namespaces, without setuid, as a root that means nothing outside.":
    [
      compat("[compat-confined] nothing of the host is seen: files, names, processes, network, descriptors"),
      "test/unit/engine/compat/arguments.test.ts: the agent has every namespace of its own, seven capabilities in it, and of the host's files its root and itself",
    ],
  "But:": noPromise,
  "It shares the host's kernel, with all of its system calls: a fault in the kernel is a way out.": noPromise,
  "It runs as your user, and as root if you are root: what gets out has your rights.": noPromise,
  "Do not use it as root: the sandbox's root is then the host's to all files that it can see, and can change the modes of the host's `/dev/null`, `/dev/zero`, `/dev/random` and `/dev/tty`.":
    noPromise,
  "What the kernel keeps apart by user and not by namespace, such as your user's keyring, is not kept from it.":
    noPromise,
  "There is no limit on memory, processes or disk: it can starve the host until its time is up.": noPromise,
  "It sees the host's kernel version, processors, memory figures, clock and the path of its own folder under `/proc`.":
    noPromise,
  "Your files.": noPromise,
  "A machine sees an environment's read-only image and a disk of its own.": [devices, gone],
  "`pyro run` gives it nothing of the host's, not even the working folder.": [found],
  "A workspace gets a copy of what you named: of a checkout the tracked files, the untracked ones that are not ignored and `.git`, without tokens and credential sections, and what you add by `--include`.":
    [
      "test/unit/tree/seed/include.test.ts: ignored folders and files go in by name, whole and with the folders above them; the rest stays out, and git sees no change",
      "test/unit/surface/mcp/confine.test.ts: what the user includes goes in with the project, and with a folder of it what lies there; a model names none",
      seeded(
        "tracked files as they are now and untracked ones enter; ignored and deleted ones do not; git works inside",
      ),
      seeded("no credential leaves the host, wherever git keeps one"),
    ],
  "Of your own Git settings, `core.autocrlf`, `core.eol`, `core.fileMode`, `core.ignoreCase` and your rules of ignored files and of attributes go along, so that Git inside reads the files as yours does, and no other.":
    [
      "test/unit/tree/seed/git-settings.test.ts: of the user's settings what decides how a checkout reads holds in its copy, and nothing else: status is the same",
    ],
  "Repositories in an archive are cleaned in the same way.": [
    "test/unit/tree/seed/archive-git.test.ts: no credential comes with an archive, of the checkout, a submodule's repository or a bare one, and git works inside",
  ],
  "A folder of a checkout follows the checkout's rules where that is yours; over MCP a checkout outside the folders below is not read, and the folder is refused.":
    [
      "test/unit/tree/seed/part.test.ts: a folder below a checkout's root has the files that the checkout counts as its own, and the result says so",
      "test/unit/tree/seed/part.test.ts: another user's checkout has no say, and the result names it",
      "test/unit/tree/seed/part.test.ts: where only some folders may be used, a checkout outside them is not read, and the folder is refused",
    ],
  "Files come and go only by calls that name them: seed, sync, diff, export.": [found, confined],
  "Over MCP a model can name paths only in the project that the server was started for and in folders you gave with `--allow-host-path`, as they were without links when the server started.":
    [
      confined,
      "test/security/call-roots.test.ts: every tool call carries the server's folders, as they were without links when it started",
    ],
  "These folders travel with each call, and the daemon judges by them what it has opened, not a name that can lead elsewhere a moment later (`test/security/host-roots`, `call-roots`).":
    [
      "test/security/call-roots.test.ts: what leads elsewhere by the time it is opened is refused, whatever was checked before",
      "test/security/host-roots.test.ts: what was opened stays what it is when its name becomes a link",
    ],
  "`.git` is refused, and an export never replaces what exists.": [confined],
  "A folder that is seeded or pushed is opened once; everything below it is listed and read beneath that descriptor, one name at a time, through no link (`openat2`): whatever is exchanged meanwhile, nothing from outside comes along (`test/security/seed-confinement`).":
    [
      "test/security/seed-confinement.test.ts: a seed of a $form, $victim exchanged before its step $step",
      "test/security/seed-confinement.test.ts: a push of a $form, $victim exchanged before its step $step",
    ],
  "Only regular files are read; a pipe, a socket or a device in any place is left out and listed, and holds nothing up, also where Git looks for one (`test/security/no-files`).":
    [
      "test/security/no-files.test.ts: git is not held up in the place $place",
      "test/security/no-files.test.ts: pipes in the places of a checkout's own files are left out, and its git folder stays of use",
      "test/security/no-files.test.ts: a pipe, a socket or a device as the source is refused at once",
    ],
  "Listing and reading have half an hour in all.": [
    "test/security/no-files.test.ts: a program of the host that never answers ends with the time of the seed, and when nobody wants the seed any more",
  ],
  "A tar archive as a seed is checked entry by entry, and costs no more than its size tells: at most 2,000,000 entries and implied folders, 256 folders in one another, 20 GiB of files, 256 MiB of names, 1 MiB of extended headers for one entry (`test/security/archive-cost`, which also tries random archives at each `make test`).":
    [
      "test/security/archive-cost.test.ts: extended headers without entries are refused after a megabyte of them",
      "test/security/archive-cost.test.ts: folders in one another are 256 at most, by whichever name",
    ],
  "Git on the host runs nothing that a checkout names.": noPromise,
  "It lists a checkout's files from its index and objects in a folder of pyro's own, with none of the checkout's settings but those that decide what is listed, so no hook, filter, monitor, include or helper of it runs.":
    [
      hostGit(
        "",
        "a repository that arms every setting, and lacks %s, runs nothing: seeded, pushed, a project source, cloned",
      ),
      hostGit("-list", "the list is that of git ls-files: %s"),
      hostGit("-fuzz", "whatever a repository's folder holds, nothing runs and nothing of another one enters"),
    ],
  "It has no transport there: what a partial clone lacks is not fetched, and files that only the missing part could tell to be ignored are left out and named.":
    [
      hostGit(
        "",
        "a repository that arms every setting, and lacks %s, runs nothing: seeded, pushed, a project source, cloned",
      ),
      hostGit("-list", "what rules that a partial clone lacks could ignore is left out and named"),
    ],
  "A repository in a format that pyro does not know is refused by name.": [
    hostGit("-list", "a repository with %s is refused by name"),
  ],
  "Where a checkout leads out of the folder that you named, to the repository of a linked worktree or of a submodule, to objects that it borrows, to a file of ignore rules, it is followed only if the other side names the checkout back or you gave that folder with `--allow-host-path`; else it is left out, and the result names it with the flag.":
    [
      hostGit("-links", "objects of a lender come along only from inside the folder or with the user's word"),
      hostGit("-links", "a .git that leads elsewhere is taken only where the other side names the checkout back"),
      hostGit("-links", "a submodule's repository is the checkout's own or none"),
      hostGit("-list", "rules that lie elsewhere are honoured only when the user allowed it, and named else"),
    ],
  "The git that is run, and what it starts for you, such as ssh, come from the system's folders and from those folders of your `PATH` that lie outside the project, the folders that the call may use and every git checkout, and that only root and you can write: nothing of a project's `node_modules/.bin` runs (`test/security/host-git-program`).":
    [
      hostGit(
        "-program",
        "programs in a project's node_modules/.bin are not run, however PATH names them, and those of the user's own folders are",
      ),
      hostGit("-program", "a newer git of PATH is not taken: one %s"),
      hostGit(
        "-program",
        "PYRO_GIT is taken as it is named, and refused by name where content or others could choose it",
      ),
    ],
  "A clone of a `repo_url` is fetched with your own Git settings, by the one transport of its URL, and checked out without them: no filter runs, and Git LFS pointers stay pointers (`test/security/host-git`, `-list`, `-links`, and `-fuzz`, which tries repositories' folders of random content: 150 at a time found nothing).":
    [
      hostGit("", "a clone runs no filter of the user's that its content chooses, and says which files are pointers"),
      hostGit("-fuzz", "whatever a repository's folder holds, nothing runs and nothing of another one enters"),
    ],
  "A project's files start nothing on the host.": noPromise,
  "`pyro host doctor` reads `.mcp.json`, `opencode.json` and `.codex/config.toml` of the project and starts no program that they name: it starts this pyro itself, with its own flags, variables and folder, and lists what an entry says beyond that.":
    [
      doctored("%s: nothing that a project's entry names runs, and the finding says so"),
      doctored("%s: our own command in a project's file is tried with our flags, environment and folder"),
      "test/e2e/host.test.ts: [host-untrusted] a registered command that is not ours is reported and not run, wherever it stands",
    ],
  "An entry of your own that says more than tools, environment and project source is listed and not started.": [
    doctored("%s: the user's own entry is tried with its choices, and not at all if it says more"),
  ],
  "A file of these that is a link out of the project is neither read nor written.": [
    doctored(
      "a project's file that is a link out of the project, a pipe, a device or huge is neither read nor written",
    ),
  ],
  "What you read does not steer your terminal.": noPromise,
  "Control characters in labels, commands, file names and errors are shown and not obeyed; what a guest says of a failure is cut to 500 characters.":
    [
      shown(
        "a label, a command, a file's name, a finding and a file's content reach a terminal with their controls visible",
      ),
      shown("an error and a phase show their controls, on a terminal and in a log"),
      shown(
        "what a guest says of a failure is 500 characters on one line, without its details, to a person and to a model",
      ),
      shown("a guest's failure in the middle of a stream is cut as well"),
    ],
  "A command's own output passes as it is, as a `docker run`'s does, and so do `--json` and what goes into files.": [
    shown("what programs read stays as it is: a command's output, a document, and a patch in a file"),
  ],
  "What comes back is the guest's.": noPromise,
  "No entry of an export leaves the target, no link is followed while it is written, setuid bits go.": [
    "test/security/export-stream.test.ts: random entries never lead out of the target",
    exported("random bytes changed in an archive never write outside, and either fit or are refused"),
    exported("a file, with its mode, time and content, and without setuid"),
  ],
  "It is written into a folder that is opened once and judged when it is used: what somebody puts in the place of a folder meanwhile leads nowhere.":
    [
      placed("before the call opens it: refused"),
      placed("and is out of the allowed folders at the end: refused"),
      placed("in the middle of a swap: what was there before is not lost"),
    ],
  "A `.git` is left out by any spelling, because Git would run its hooks and settings at a mere `git status`; so is what would make a repository of a folder, by `HEAD` beside `objects` and `refs`, or beside `commondir`.":
    [
      exported("no repository: .git as a folder, a file or a link, at any depth and in any letter case"),
      repository("git finds no repository in what random sequences of exports made"),
    ],
  "Nothing is exported into a repository or under the name `.git`.": [
    repository("is not written into, nor replaced in part, by its names or beside them"),
    "test/security/export-chain.test.ts: link 4: no export is called .git, or has one in it",
  ],
  "Over MCP, links that lead out of the export are left out and listed; on the command line a link stays what the guest made it, and may lead anywhere.":
    [
      placed("that lead out of it are left out and named where folders are allowed one by one"),
      exported("a single symbolic link stays one"),
    ],
  "After a kill, only what a record in the state folder names is put back or removed.": [
    "test/security/export-recovery.test.ts: after a restart of the host the device number does not count, the inode does",
    "test/security/export-chain.test.ts: link 3: if it stands there all the same, neither an export nor a new daemon does what it says",
  ],
  "The patch of a diff leaves out settings and hooks of what Git takes for a repository.": [
    "test/security/diff-repository.test.ts: git runs nothing where the patch was applied, and would have",
  ],
  "Everything else is as the guest made it.": [
    exported("random trees packed by GNU tar come out the same, odd names and all"),
  ],
  "A build script, an editor's settings, a `.envrc`, a chat host's project settings in an export or a patch can run on your host when you or a tool open it.":
    noPromise,
  "Read the diff before you apply it.": noPromise,
  "Inside the guest.": noPromise,
  "Commands run as root.": noPromise,
  "The agent inside protects itself from running out of memory, not from root: a command can break its own machine.":
    noPromise,
  "The next machine knows nothing of it.": [gone],
  "The guest kernel's own hardening.": noPromise,
  "Speculation mitigations, and under emulation address randomisation, are off in the guest: the machine is the boundary, and programs inside one machine are not protected from each other.":
    noPromise,
  "The user account.": noPromise,
  "Whoever can act as your user can reach the daemon's socket (a 0700 folder, a 0600 socket) and every machine of yours.":
    noPromise,
  "There is no protection between programs of one user.": noPromise,
  "Denial of service.": noPromise,
  "A machine can use the virtual CPUs and the memory it was given until its time is up.": noPromise,
  "Disks grow up to 20 GiB each, and can fill the host's, which pauses them.": [found],
  "What else a guest or a model causes leaves 1 GiB of the host's disk free, or 5 % of a larger one: outputs, histories, exports, seeds, environments and saved machines.":
    [
      "test/security/full-disk.test.ts: 1 GiB of a small disk, 5 % of a large one",
      "test/security/full-disk.test.ts: what needs more than the rest is refused, with what to do",
      "test/security/full-disk.test.ts: a stream is granted what there is, and again once there is more",
      "test/security/full-disk.test.ts: nothing begins in a workspace that would leave a line in its history",
      "test/security/full-disk.test.ts: no environment is installed",
    ],
  "That a command has ended is noted even where others have filled the disk.": [
    "test/security/full-disk.test.ts: the ends of commands are noted, and so that a workspace was stopped and started",
  ],
  "The outputs of a workspace's commands take 1 GiB at most.": [
    "test/security/full-disk.test.ts: go oldest first when they are too many together, and leave word",
    "test/security/full-disk.test.ts: are cut where only running commands are left, each to its beginning",
  ],
  "A guest that falls silent, or sends more than it was asked for, loses the call, not the daemon.": [
    "test/security/guest-silence.test.ts: is given up two minutes after its agent has fallen silent, not before",
    "test/security/guest-silence.test.ts: heartbeats keep no command half a minute beyond its own time",
    "test/security/guest-lies.test.ts: folders that all come from the whole seed do not multiply it",
    "test/security/fuzz-agent.test.ts: whatever an agent answers, each call ends with a result or an error of ours",
  ],
  "Nothing that works in a workspace, and no guest that stands still, holds up its delete, reset or stop.": [
    "test/security/frozen-guest.test.ts: a delete kills the machine, ends the write and the calls behind it, and leaves nothing",
    "test/e2e/security-frozen-agent.test.ts: [workspace-ends] a workspace whose agent is frozen is deleted at once, with the call that waited for it",
    "test/e2e/security-frozen-agent.test.ts: [workspace-ends] a reset gives a workspace whose agent is frozen a new machine",
    "test/e2e/security-frozen-agent.test.ts: [workspace-ends] a stop of a workspace whose agent is frozen ends it, and says that it was not written to its disk",
  ],
  "Where environments come from.": noPromise,
  "`debian:*` is built from the Debian mirror your own apt uses, or the one that you name (`debian_mirror`, `PYRO_DEBIAN_MIRROR`; never a project), and is as trustworthy as apt's signature check makes it.":
    [
      "test/unit/environment/release.test.ts: the variable goes before the setting, which is read anew each time; neither's value is printed when it is wrong",
      "test/unit/environment/apt.test.ts: only Debian's own suites of that release are taken, whatever others call theirs",
      "test/security/hostile-mirror.test.ts: a Release file without end and without a signature fails, and nothing is kept",
      "test/security/hostile-mirror.test.ts: a redirect to a file of the host's is not followed",
    ],
  "Where the release is not the host's own, Debian's own keys alone count, even if the host's apt trusts that mirror without any.":
    [
      "test/unit/environment/release.test.ts: the same from deb822 sources, held against Debian's own keys whatever these are held against",
    ],
  "Report a way across the boundary privately to the maintainers, before anywhere else, with the smallest program that shows it.":
    noPromise,
  "Please give the output of `pyro --version` and of `qemu-system-x86_64 --version`.": noPromise,
};
