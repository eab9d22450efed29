// Owns finding the hosts that this machine's package managers fetch from, by their settings. Never keeps more of a setting than the host.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Any host of any scheme, without the credentials before it. */
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/(?:[^\s/@"'<>]*@)?([^\s/:@"'<>,|]+)/giu;
const COMMENT = /^\s*[#;].*$|<!--[^]*?-->|\sxmlns(?::\w+)?="[^"]*"|\s\w+:schemaLocation="[^"]*"/gmu;
const SETTING =
  /^(?:npm_config_|yarn_|pnpm_|pip_|uv_|cargo_|maven_|docker_)|^(?:goproxy|gosumdb|pyro_debian_mirror)$|^\w*_proxy$/iu;
/** Of the machine itself, and what is short enough to be a word. */
const NO_HOST = /^(?:localhost|[\d.]+|\[.*|[^.]*)$/u;

/** Relative to the user's home. */
const OWN_FILES = [
  ...[".npmrc", ".yarnrc", ".yarnrc.yml", ".pip/pip.conf", ".config/pip/pip.conf", ".config/uv/uv.toml"],
  ...[".config/go/env", ".cargo/config.toml", ".cargo/config", ".m2/settings.xml"],
];
const SYSTEM_FILES = [
  ...["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/pip.conf", "/etc/uv/uv.toml"],
  ...["/etc/maven/settings.xml", "/etc/apt/sources.list", "/etc/docker/daemon.json"],
];
const SYSTEM_FOLDERS = ["/etc/apt/sources.list.d", "/etc/apt/mirrors", "/etc/apt/apt.conf.d", "/etc/yum.repos.d"];
/** Variables that hold the path of such a file. */
const FILE_VARIABLES = ["NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG", "PIP_CONFIG_FILE", "GOENV"];

/** What a manager that has no setting says it would ask. */
const ASKED: readonly (readonly [string, ...string[]])[] = [
  ["npm", "config", "get", "registry"],
  ["go", "env", "GOPROXY", "GOSUMDB"],
];

export function packageHosts(env: NodeJS.ProcessEnv = process.env, home = homedir()): readonly string[] {
  const variables = Object.entries(env).flatMap(([name, value = ""]) => (SETTING.test(name) ? [value] : []));
  const files = [
    ...OWN_FILES.map((path) => join(home, path)),
    ...SYSTEM_FILES,
    ...SYSTEM_FOLDERS.flatMap((folder) => attempt(() => readdirSync(folder).map((name) => join(folder, name))) ?? []),
    ...FILE_VARIABLES.flatMap((name) => env[name] ?? []),
  ];
  const texts = files.map((path) => attempt(() => readFileSync(path, "utf8").replaceAll(COMMENT, "")) ?? "");
  const answers = ASKED.map(([program, ...args]) => attempt(() => answerOf(program, args, env)) ?? "");
  const found = [...variables.flatMap(bareHosts), ...[...texts, ...variables, ...answers].flatMap(hostsIn)];
  return [...new Set([...found, ...answers.flatMap(bareHosts)])].filter((host) => !NO_HOST.test(host)).toSorted();
}

/** Those of the addresses in a text. */
export function hostsIn(text: string): readonly string[] {
  return [...text.matchAll(ADDRESS)].map(([, host = ""]) => host.toLowerCase());
}

/** Go's list of checksum databases has hosts without a scheme. */
function bareHosts(text: string): readonly string[] {
  return text
    .split(/[\s,|]+/u)
    .filter((word) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/u.test(word) && !/^[\d.]+$/u.test(word));
}

function answerOf(program: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  return execFileSync(program, args, { env, cwd: "/", encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** Not every machine has every manager, nor each of their files. */
function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
