// Owns turning what mmdebstrap and apt print into progress. Never decides anything by it.
import type { Progress } from "../base/progress.js";

const packages = { unit: "steps", things: "packages" } as const;
const units: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** Takes lines in the order printed; apt announces sizes twice: the essential packages, then the others. */
export function mirrorProgress(progress: Progress): (line: string) => void {
  const download = { done: 0, total: 0, started: 0 };
  const install = { done: 0, total: 0 };
  const size = (number = "0", unit = "B") => Math.round(Number(number) * (units[unit] ?? 1));

  return (line) => {
    const announced = /^Need to get (?:[\d.]+ \w+\/)?([\d.]+) (\w+) of archives/u.exec(line);
    if (announced !== null) download.total += size(announced[1], announced[2]);
    const announcedPackages = /^\d+ upgraded, (\d+) newly installed/u.exec(line);
    if (announcedPackages !== null) install.total += Number(announcedPackages[1]);

    const fetched = /^Get:\d+ \S+ (\S+) \S+ (\S+) .*\[([\d.]+) (\w+)\]$/u.exec(line);
    if (fetched !== null && download.total > 0) {
      // The line stands for a download that starts: what started before it is done.
      download.done += download.started;
      download.started = size(fetched[3], fetched[4]);
      progress({ phase: "download", message: `Downloading ${fetched[2]}`, unit: "bytes", ...pick(download) });
    } else if (/^(Get|Hit):/u.test(line)) {
      progress({ phase: "resolve", message: "Reading the mirror's package lists" });
    }
    const installed = /^Setting up (\S+)/u.exec(line);
    if (installed !== null) {
      install.done += 1;
      progress({ phase: "install", message: `Installing ${installed[1]}`, ...packages, ...pick(install) });
    } else if (line.startsWith("Unpacking ")) {
      progress({ phase: "install", message: "Unpacking packages", ...packages, ...pick(install) });
    }
  };
}

function pick(counter: { done: number; total: number }): { done: number; total: number } {
  return { done: Math.min(counter.done, counter.total), total: counter.total };
}
