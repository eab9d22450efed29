// Proves what a program finds inside a machine: its folder, environment, names, clock, disk, and that there is no way out.

import { expect, test } from "vitest";
import { openHome, sharedHome } from "./home.js";

const home = sharedHome();

/** Prints what it sees as one JSON document. */
const look = String.raw`
import ctypes, errno, json, os, socket, subprocess
def reach(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        try:
            s.connect(address)
            return "connected"
        except OSError as e:
            return errno.errorcode.get(e.errno, str(e))
def text(path):
    with open(path) as f: return f.read()
disk = os.statvfs("/workspace")
print(json.dumps({
  "cwd": os.getcwd(), "uid": os.getuid(), "env": dict(os.environ),
  "login_path": subprocess.check_output(["bash", "-lc", "echo $PATH"], text=True).strip(),
  "login_cwd": subprocess.check_output(["bash", "-lc", "pwd"], text=True).strip(),
  "interfaces": os.listdir("/sys/class/net"),
  "routes": text("/proc/net/route").splitlines()[1:],
  "routes6": [l for l in text("/proc/net/ipv6_route").splitlines() if not l.endswith("lo")],
  "reach": {a: reach(socket.AF_INET, (a, 80)) for a in ["1.1.1.1", "10.0.2.2", "169.254.169.254", "192.168.0.1"]},
  "resolve": subprocess.run(["getent", "hosts", "example.com"]).returncode,
  "hostname": [socket.gethostname(), text("/etc/hostname").strip(), subprocess.check_output(["uname", "-n"], text=True).strip()],
  "own_name": socket.gethostbyname(socket.gethostname()),
  "userns": subprocess.check_output(["unshare", "--map-root-user", "id", "-u"], text=True).strip(),
  "disk_gib": disk.f_blocks * disk.f_frsize / 2**30, "free_gib": disk.f_bavail * disk.f_frsize / 2**30,
  "pty": os.path.exists(os.ttyname(os.openpty()[1])),
  "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
  "tmp_mode": oct(os.stat("/tmp").st_mode & 0o7777),
  "nesting": sorted({"svm", "vmx"} & set(text("/proc/cpuinfo").split())),
  "host_socket": os.path.exists("/run/pyro"),
}))
`;

test("[guest-folder] [guest-environment] [guest-names] [guest-isolation] [network-off] [disk-size] a program finds what the contract says", async () => {
  const { code, stdout, stderr } = await home.run(["python3", "-c", look], {
    env: { OF_THE_HOST: "secret", LC_ALL: "pl_PL" },
  });
  expect([code, stderr]).toEqual([0, ""]);
  const { env, hostname, disk_gib, free_gib, fds, ...found } = JSON.parse(stdout.toString()) as {
    readonly env: Readonly<Record<string, string>>;
    readonly hostname: readonly string[];
    readonly disk_gib: number;
    readonly free_gib: number;
    readonly fds: readonly number[];
  };
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  expect(found).toEqual({
    cwd: "/workspace",
    uid: 0,
    login_path: path,
    login_cwd: "/workspace",
    interfaces: ["lo"],
    routes: [],
    routes6: [],
    reach: {
      "1.1.1.1": "ENETUNREACH",
      "10.0.2.2": "ENETUNREACH",
      "169.254.169.254": "ENETUNREACH",
      "192.168.0.1": "ENETUNREACH",
    },
    resolve: 2,
    own_name: "127.0.1.1",
    userns: "0",
    pty: true,
    tmp_mode: "0o1777",
    nesting: [],
    host_socket: false,
  });
  expect(env).toEqual({
    PATH: path,
    HOME: "/root",
    USER: "root",
    LOGNAME: "root",
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    DEBIAN_FRONTEND: "noninteractive",
    GIT_PAGER: "cat",
    PAGER: "cat",
    // Caches in /root lie on another file system than /workspace.
    UV_LINK_MODE: "copy",
    pnpm_config_store_dir: "/root/.local/share/pnpm/store",
    pnpm_config_package_import_method: "copy",
    // Python's own addition.
    ...(env["LC_CTYPE"] === undefined ? {} : { LC_CTYPE: env["LC_CTYPE"] }),
  });
  expect(new Set(hostname).size).toBe(1);
  expect(hostname[0]).toMatch(/^vm-[a-z2-7]{12}$/u);
  expect(disk_gib).toBeGreaterThan(19);
  expect(free_gib).toBeGreaterThan(18);
  // Standard input, output, error, and the folder being listed.
  expect(fds.length).toBeLessThanOrEqual(6);
});

test("[guest-clock] the guest's clock is right within a second", async () => {
  const script = "import sys, time\nfor line in sys.stdin: print(time.time(), flush=True)";
  const started = home.startRun(["python3", "-c", script], { stdin: "open" });
  // The first answer only says that it is up.
  started.child.stdin?.write("\n");
  await started.printed("\n");
  const before = Date.now() / 1000;
  const seen = started.stdout().length;
  started.child.stdin?.end("\n");
  const { stdout } = await started.finished;
  const after = Date.now() / 1000;
  const guest = Number(stdout.toString().slice(seen));
  expect(guest).toBeGreaterThan(before - 1);
  expect(guest).toBeLessThan(after + 1);
});

test("[git-works] git works at once, in a repository of any owner", async () => {
  const script = `
    set -e
    git init --quiet . && git config user.name t && git config user.email t@example.com
    echo one > file && git add . && git commit --quiet --message one
    chown -R 1234:1234 . && git status --short && git log --oneline | wc -l`;
  const { code, stdout, stderr } = await home.run(["sh", "-c", script]);
  expect([code, stdout.toString(), stderr]).toEqual([0, "1\n", expect.not.stringContaining("dubious")]);
});

test("[parallel-runs] [own-identity] eight runs at once have their own output, names and random numbers", async () => {
  const script = `echo "$1"; hostname; cat /etc/machine-id; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'; echo
    cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id; echo "$RANDOM$RANDOM$RANDOM"; python3 -c 'import random; print(random.random())'`;
  const finished = await Promise.all(
    Array.from({ length: 8 }, (_, index) => home.run(["bash", "-c", script, "bash", `run ${index}`])),
  );
  expect(finished.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
    finished.map(() => ({ code: 0, stderr: expect.any(String) })),
  );
  const lines = finished.map(({ stdout }) => stdout.toString().trimEnd().split("\n"));
  expect(lines.map(([name]) => name)).toEqual(lines.map((_, index) => `run ${index}`));
  const facts = lines.flatMap((each) => each.slice(1));
  expect(facts).toHaveLength(8 * 7);
  expect(new Set(facts).size).toBe(8 * 7);
});

test("[disk-sparse] [nothing-kept] what a run writes takes only that much of the host's disk, and is gone afterwards", async () => {
  await using own = openHome({ settings: { pool_size: 0 } });
  const write = "head -c 8388608 /dev/urandom > /workspace/kept; sync; echo ready; read line; ls /workspace";
  const started = own.startRun(["sh", "-c", write], { stdin: "open" });
  await started.printed("ready");
  const used = await own.shell('du --summarize --block-size=1048576 "$PYRO_HOME/state/machines"');
  expect(Number.parseInt(used.stdout.toString(), 10)).toBeGreaterThanOrEqual(8);
  expect(Number.parseInt(used.stdout.toString(), 10)).toBeLessThan(64);
  started.child.stdin?.end("\n");
  expect((await started.finished).stdout.toString()).toBe("ready\nkept\n");
  await own.emptied();
  const next = await own.run(["ls", "-A", "/workspace"]);
  expect([next.code, next.stdout.toString()]).toEqual([0, ""]);
});
