// Owns taking out of a text what its owner would not show to strangers: passwords, tokens, where the home is. Never takes out more.
import { maskPasswords } from "./mask-passwords.js";

/** What services call their tokens by, so that each can be told from other text. */
const knownTokens =
  /\b(?:gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[a-z]-[\w-]{10,}|npm_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{12,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)/gu;
/** A name that says what follows it; the name stays. */
const named =
  /\b((?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|credential)[\w-]*|authorization)["']?\s*[=:]\s*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;&]+/giu;
const bearer = /\b((?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}/giu;

export function maskPrivate(text: string, home: string | undefined): string {
  const masked = maskPasswords(text)
    .replaceAll(knownTokens, "***")
    .replaceAll(named, "$1***")
    .replaceAll(bearer, "$1***");
  return home === undefined || home === "/" ? masked : masked.replaceAll(wholePath(home), "~");
}

/** The path itself and what lies below, not another whose name begins alike. */
function wholePath(path: string): RegExp {
  const literal = path.replace(/\/+$/u, "").replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
  return new RegExp(`${literal}(?![\\w.-])`, "gu");
}

/** The same for all text in a value, the names of its fields left as they are. */
export function maskPrivateIn(value: unknown, home: string | undefined): unknown {
  if (typeof value === "string") return maskPrivate(value, home);
  if (Array.isArray(value)) return value.map((each) => maskPrivateIn(each, home));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, maskField(name, each, home)]));
}

function maskField(name: string, value: unknown, home: string | undefined): unknown {
  const isSecret = /password|passwd|secret|token|api_?key|credential/iu.test(name);
  return isSecret && typeof value === "string" ? "***" : maskPrivateIn(value, home);
}
