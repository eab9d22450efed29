// Proves what a sandbox is given and what is taken from it, in the words that bubblewrap gets.

import { expect, test } from "vitest";
import { sandboxArguments, unpackArguments } from "../../../../src/engine/compat/arguments.js";

const unshared = [
  ...["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
];

test("the agent has every namespace of its own, seven capabilities in it, and of the host's files its root and itself", () => {
  const args = sandboxArguments({ folder: "/m/vm_1", agentPath: "/lib/pyro-guest", hostname: "vm-1" });
  expect(args).toEqual([
    ...unshared,
    ...["--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", "0", "--gid", "0"],
    ...["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETUID", "SETGID"].flatMap((name) => [
      ...["--cap-add", `CAP_${name}`],
    ]),
    ...["--hostname", "vm-1", "--bind", "/m/vm_1/root", "/", "--proc", "/proc", "--remount-ro", "/proc"],
    ...["--dev", "/dev", "--tmpfs", "/run"],
    ...["--ro-bind", "/lib/pyro-guest", "/run/.pyro-guest", "--chdir", "/", "--clearenv"],
    ...["--", "/run/.pyro-guest", "compat"],
  ]);
});

test("the image is unpacked without rights and with one writable folder", () => {
  expect(unpackArguments({ folder: "/m/vm_1" }, "/images/a.squashfs", "/usr/bin/unsquashfs")).toEqual([
    ...unshared,
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", "1", "--gid", "1"],
    ...["--ro-bind", "/", "/", "--bind", "/m/vm_1", "/m/vm_1", "--clearenv", "--", "/usr/bin/unsquashfs"],
    ...["-quiet", "-no-progress", "-no-xattrs", "-no-exit-code", "-dest", "/m/vm_1/root", "/images/a.squashfs"],
  ]);
});
