// Makes LICENSES.txt, which names everything that the package carries, with its version, its licence and the licence's text.
// Reads it all from what was really built in; an entry without a text is an error. Decides no licence.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../step.mjs";

/** Debian's base-files, on every machine that can build pyro. */
const COMMON = "/usr/share/common-licenses";
const LICENCE_FILE = /^(licen[cs]e|copying|notice|patents)(\.|$)/i;
const RULE = "=".repeat(100);

/** The text of the file. */
export function licences() {
  const parts = [own(), kernel(), ...goParts(), ...npmParts()];
  const rows = parts.map(
    ({ name, version, licence, where }) => `${`${name} ${version}`.padEnd(50)} ${licence.padEnd(32)} ${where}`,
  );
  const head = [
    "What this package carries, and under which licence. The texts follow in the same order.",
    rows.join("\n"),
  ];
  const texts = parts.map(({ name, version, text }) => `${RULE}\n${name} ${version}\n\n${text.trim()}`);
  return `${[...head, ...texts].join("\n\n")}\n`;
}

function own() {
  const { name, version, license } = json("package.json");
  const text = readFileSync(join(root, "LICENSE"), "utf8");
  return { name, version, licence: license, where: "everything else in dist/, and in docs/ and examples/", text };
}

/** Debian's kernel package: binary, source, and where the source is. */
function kernel() {
  const { kernel_package, kernel_version, source_package } = json("dist/runtime/manifest.json");
  const text = [
    "Linux kernel, GPL-2.0-only WITH Linux-syscall-note; as Debian built it, except that the kernel is unpacked from its",
    "compressed form and the modules are without their signatures.",
    `  binary package: ${kernel_package} ${kernel_version}`,
    `  source package: ${source_package}, which is made from "linux" of the same version:`,
    `    apt-get source linux=${kernel_version}`,
    "from any Debian mirror, and from Debian's snapshot archive for as long as there is one. pyro's own part in it is",
    "runtime/ in pyro's sources.",
    "",
    readFileSync(join(COMMON, "GPL-2"), "utf8"),
  ].join("\n");
  const where = "dist/runtime/vmlinux, and lib/modules/*.ko in dist/runtime/initramfs.img";
  return { name: kernel_package, version: kernel_version, licence: "GPL-2.0-only", where, text };
}

/** Go's library and the modules that are linked into the agent. */
function goParts() {
  const where = "dist/pyro-guest, which is also /init in dist/runtime/initramfs.img";
  const linked = go("version", "-m", join(root, "dist", "pyro-guest"));
  const version = /: go(\S+)/u.exec(linked)?.[1] ?? "";
  const modules = [...linked.matchAll(/^\tdep\t(\S+)\t(\S+)/gmu)].map(([, name, wanted]) => {
    const { Dir, Version } = JSON.parse(go("-C", "guest", "list", "-m", "-json", name));
    if (Version !== wanted)
      throw new Error(`the agent has ${name} ${wanted}, guest/go.mod says ${Version}: run make build`);
    return { name, version: Version, folder: Dir };
  });
  const library = { name: "Go runtime and library", version, folder: go("env", "GOROOT").trim() };
  return [library, ...modules].map(({ name, version, folder }) => {
    const text = licenceFiles(folder);
    return { name, version, licence: licenceOf(name, text), where, text };
  });
}

/** The npm packages that scripts/bundle.mjs noted as bundled. */
function npmParts() {
  return Object.entries(json("build/bundled.json").packages).map(([folder, files]) => {
    const { name, version, license } = json(join(folder, "package.json"));
    const texts = [licenceFiles(join(root, folder)) || textOf(name, license), ...notices(files)];
    return { name, version, licence: license, where: "dist/**/*.js and dist/*.cjs", text: texts.join("\n\n") };
  });
}

/** For a package without a licence file, whose sources carry the notices. */
function textOf(name, license) {
  if (!license.includes("Apache-2.0")) throw new Error(`the package ${name} has no licence text`);
  return readFileSync(join(COMMON, "Apache-2.0"), "utf8");
}

/** The different copyright notices at the head of the bundled files, and in comments that bundlers keep. */
function notices(files) {
  const found = files.flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const heads = /^(?:\/\/.*\n|\s*\n)+/u.exec(text)?.[0].split(/\n\s*\n/u) ?? [];
    return [...heads, ...(text.match(/\/\*!.*?\*\//gsu) ?? [])].map((each) => each.trim());
  });
  return [...new Set(found.filter((each) => /copyright/i.test(each)))];
}

/** Every licence, notice and patent file at the top of a folder. */
function licenceFiles(folder) {
  const names = readdirSync(folder).filter((name) => LICENCE_FILE.test(name));
  return names.map((name) => readFileSync(join(folder, name), "utf8").trim()).join("\n\n");
}

function licenceOf(name, text) {
  if (text.includes("Apache License")) return "Apache-2.0";
  if (text.includes("Redistribution and use in source and binary forms") && /Neither the name/iu.test(text))
    return "BSD-3-Clause";
  if (text.includes("Permission is hereby granted, free of charge")) return "MIT";
  throw new Error(`the licence of ${name} is not known to scripts/package/licences.mjs`);
}

function go(...args) {
  const { status, stdout, stderr } = spawnSync(join(root, "scripts", "go"), args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`go ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}

function json(path) {
  if (!existsSync(join(root, path))) throw new Error(`${path} is missing: run make build`);
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}
