// Owns which emulated hosts there are and what each is made of. Never builds or starts one.

import { spawnSync } from "node:child_process";

/** Debian's packages of a host: what pyro asks for, what a system needs to start, and what the steps use. */
const PACKAGES = [
  ...["linux-image-amd64", "systemd-sysv", "udev", "kmod", "dbus", "libpam-systemd", "procps", "iproute2", "msr-tools"],
  ...["qemu-system-x86", "squashfs-tools", "e2fsprogs", "util-linux", "mmdebstrap", "uidmap", "bubblewrap", "git"],
];

/**
 * @typedef {object} Host
 * @property {"12" | "13"} name
 * @property {string} suite of Debian
 * @property {boolean} sharesSvm whether another program may hold SVM before KVM does; from Linux 6.12 on KVM takes it when it is loaded
 * @property {string[]} packages
 */

/** @type {Host[]} */
export const HOSTS = [
  { name: "13", suite: "trixie", sharesSvm: false, packages: PACKAGES },
  { name: "12", suite: "bookworm", sharesSvm: true, packages: PACKAGES },
];

/** Accounts beside root: the first may open /dev/kvm, the second may not. */
export const USERS = { ada: ["kvm"], bob: [] };

/** The text of an apt `.sources` file for a suite, from the mirrors that this machine's own apt uses. */
export function sourcesFor(suite) {
  const format = "$(REPO_URI) $(CODENAME) $(ORIGIN)";
  const { stdout } = spawnSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    encoding: "utf8",
  });
  const debian = (stdout ?? "").split("\n").filter((line) => line.endsWith(" Debian"));
  const uriOf = (pattern) => debian.map((line) => line.split(" ")).find(([, name]) => pattern.test(name))?.[0];
  const mirror = process.env.PYRO_DEBIAN_MIRROR || uriOf(/^[a-z]+$/u);
  const security = uriOf(/-security$/u);
  if (mirror === undefined) {
    throw new Error(
      "apt knows no Debian mirror: run `sudo apt-get update`, or set PYRO_DEBIAN_MIRROR to the URL of one",
    );
  }
  const stanza = (uri, suites) =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\n` +
    "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
  const stanzas = [stanza(mirror, `${suite} ${suite}-updates`)];
  if (security !== undefined) stanzas.push(stanza(security, `${suite}-security`));
  return stanzas.join("\n");
}
