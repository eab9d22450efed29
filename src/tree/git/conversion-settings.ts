// Owns which settings of a repository decide how git converts its files. Never follows an include.
import { pathProblem } from "../byte-path.js";
import { type ConversionSettings, noSettings } from "./conversion.js";
import { keyOfSetting, readSettings } from "./settings.js";

/** Of a configuration file with this content. */
export async function conversionSettings(config: Buffer, signal: AbortSignal): Promise<ConversionSettings> {
  // Most say nothing of it, and need no program to be read.
  if (!/autocrlf|eol|objectformat|attributesfile/iu.test(config.toString("latin1"))) return noSettings;
  const settings = await readSettings(config, signal);
  const valueOf = (key: string): string | undefined => {
    const found = settings.findLast((setting) => keyOfSetting(setting) === key);
    return found === undefined ? undefined : (found.value ?? "true");
  };
  const attributesFile = valueOf("core.attributesfile");
  const autocrlf = valueOf("core.autocrlf")?.toLowerCase() ?? "false";
  return {
    autocrlf: autocrlf === "input" ? "input" : /^(?:true|yes|on|[1-9]\d*)$/u.test(autocrlf) ? "true" : "false",
    eol: valueOf("core.eol")?.toLowerCase() === "crlf" ? "crlf" : "lf",
    format: valueOf("extensions.objectformat") === "sha256" ? "sha256" : "sha1",
    // An absolute one is the host's, and no file of the checkout.
    ...(attributesFile === undefined || pathProblem(attributesFile) !== undefined ? {} : { attributesFile }),
  };
}
