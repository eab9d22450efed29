// Proves that each distribution is told its own package names and command, and what it does not package.

import { expect, test } from "vitest";
import { hostDistribution, parseOsRelease, type Distribution } from "../../../src/base/distribution.js";
import { installLine, keyringLine, packageFor, type HostProgram } from "../../../src/base/host-program.js";

/** The lines that count of each distribution's own file. */
const osReleases = {
  debian: 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n',
  ubuntu: 'PRETTY_NAME="Ubuntu 24.04.2 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
  mint: 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\nPRETTY_NAME="Linux Mint 22"\n',
  fedora: 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora Linux 42 (Workstation Edition)"\n',
  rocky: 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nPRETTY_NAME="Rocky Linux 9.5 (Blue Onyx)"\n',
  arch: 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n',
  tumbleweed:
    'NAME="openSUSE Tumbleweed"\nID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\nPRETTY_NAME="openSUSE Tumbleweed"\n',
  alpine: "NAME='Alpine Linux'\nID=alpine\nPRETTY_NAME='Alpine Linux v3.22'\n",
};

test("the family is told by ID, else by ID_LIKE, nearest first", () => {
  const families = Object.entries(osReleases).map(([name, text]) => [name, parseOsRelease(text).family]);
  expect(Object.fromEntries(families)).toEqual({
    ...{ debian: "debian", ubuntu: "debian", mint: "debian", fedora: "fedora", rocky: "rhel" },
    ...{ arch: "arch", tumbleweed: "suse", alpine: "other" },
  });
});

test("the name is what the system calls itself, and no file is no failure", () => {
  expect(parseOsRelease(osReleases.rocky).name).toBe("Rocky Linux 9.5 (Blue Onyx)");
  expect(parseOsRelease("ID=thing\n").name).toBe("thing");
  expect(parseOsRelease("garbage = \u0000\n")).toEqual({ family: "other", name: "an unknown distribution" });
  expect(hostDistribution().name).not.toBe("");
});

const of = (name: keyof typeof osReleases): Distribution => parseOsRelease(osReleases[name]);
const all: readonly HostProgram[] = [
  ...(["qemu-system-x86_64", "mkfs.ext4", "flock", "sqfstar", "mmdebstrap"] as const),
  ...(["newuidmap", "bwrap", "unshare", "setpriv"] as const),
];

test("one line installs all programs, once for each package, as the distribution calls them", () => {
  const common = "e2fsprogs util-linux squashfs-tools mmdebstrap";
  const debian = `sudo apt-get install qemu-system-x86 ${common} uidmap bubblewrap`;
  expect([installLine(all, of("debian")), installLine(all, of("ubuntu"))]).toEqual([debian, debian]);
  expect(installLine(all, of("fedora"))).toBe(
    `sudo dnf install qemu-system-x86-core ${common} shadow-utils bubblewrap`,
  );
  expect(installLine(all, of("arch"))).toBe(
    "sudo pacman -S --needed qemu-system-x86 e2fsprogs util-linux squashfs-tools shadow bubblewrap; mmdebstrap comes from the AUR",
  );
  expect(installLine(all, of("tumbleweed"))).toMatch(
    /^sudo zypper install qemu-x86 qemu-microvm e2fsprogs util-linux squashfs shadow bubblewrap; openSUSE has no mmdebstrap/u,
  );
  expect(installLine(all, of("alpine"))).toBe(
    `install what this system has of qemu-system-x86 ${common} uidmap bubblewrap`,
  );
});

test("RHEL is not told to install a QEMU that starts nothing", () => {
  expect(installLine(["qemu-system-x86_64"], of("rocky"))).toBe(
    "RHEL's own QEMU lacks the machine type microvm: build QEMU into /usr/local",
  );
  expect(packageFor("newuidmap", of("rocky"))).toBe("shadow-utils");
});

test("Debian's keys have a package under their own name almost everywhere", () => {
  expect(keyringLine(of("ubuntu"))).toBe("sudo apt-get install debian-archive-keyring");
  expect(keyringLine(of("arch"))).toBe("sudo pacman -S --needed debian-archive-keyring");
  expect(keyringLine(of("fedora"))).toBe("sudo dnf install debian-keyring");
  expect(keyringLine(of("tumbleweed"))).toMatch(/^openSUSE has no keys of Debian/u);
});
