// Chooses the kernel modules of the guest and the order to load them in, from what each module says about itself. Writes nothing.

import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { decompress } from "./vmlinux.mjs";

/** Loaded by /init on every boot: drives, the agent's port and the root. */
export const BOOT_MODULES = ["virtio_mmio", "virtio_pci", "virtio_blk", "virtio_console", "squashfs", "overlay"];

/** Shipped, loaded by the agent where something asks for them. */
export const EXTRA_MODULES = ["tun", "fuse", "virtio_rng"];

/** `virtio.ko` uses symbols of `virtio_ring.ko` that its own list of dependencies does not name on every kernel. */
const ALSO_NEEDS = new Map([["virtio", ["virtio_ring"]]]);

const SIGNATURE_MARK = Buffer.from("~Module signature appended~\n");
const SIGNATURE_INFO_BYTES = 12;

/**
 * The modules of `folder` (…/lib/modules/RELEASE) that the guest gets.
 * @param {string} folder
 * @returns {{order: string[], extra: string[], files: Map<string, Buffer>}} file names in load order: those of the boot,
 *   then those that only `extra` needs; content without signature
 */
export function guestModules(folder) {
  const paths = new Map();
  for (const entry of readdirSync(join(folder, "kernel"), { recursive: true })) {
    const name = moduleName(String(entry));
    if (name !== undefined) paths.set(name, join(folder, "kernel", String(entry)));
  }
  const files = new Map();
  const load = (name, chain = []) => {
    const path = paths.get(name);
    const file = `${name}.ko`;
    // What has no file is built into the kernel.
    if (path === undefined || files.has(file) || chain.includes(name)) return;
    const content = withoutSignature(decompress(readFileSync(path)));
    const needs = [...(ALSO_NEEDS.get(name) ?? []), ...moduleInfo(content, "depends")];
    for (const needed of needs) load(needed, [...chain, name]);
    files.set(file, content);
  };
  for (const name of BOOT_MODULES) load(name);
  const order = [...files.keys()];
  for (const name of EXTRA_MODULES) load(name);
  return { order, extra: [...files.keys()].slice(order.length), files };
}

function moduleName(path) {
  const match = /^(.+)\.ko(\.(xz|zst|gz))?$/.exec(basename(path));
  return match?.[1]?.replaceAll("-", "_");
}

/** The comma-separated values of one `.modinfo` field. */
function moduleInfo(content, field) {
  const mark = Buffer.from(`\0${field}=`);
  const at = content.indexOf(mark);
  if (at === -1) return [];
  const value = content.toString("latin1", at + mark.length, content.indexOf(0, at + mark.length));
  return value
    .split(",")
    .filter((name) => name !== "")
    .map((name) => name.replaceAll("-", "_"));
}

/**
 * The guest trusts its initramfs as a whole (the host wrote it and records its digest): checking an RSA signature for
 * each module would only make an emulated boot slower.
 */
function withoutSignature(content) {
  const end = content.length - SIGNATURE_MARK.length;
  if (!content.subarray(Math.max(0, end)).equals(SIGNATURE_MARK)) return content;
  const signatureBytes = content.readUInt32BE(end - 4);
  return content.subarray(0, end - SIGNATURE_INFO_BYTES - signatureBytes);
}
