// Owns saying how many bytes of a stream have come, now and then. Never counts anything else.
import type { Progress } from "../../base/progress.js";

const stepBytes = 4 * 1024 * 1024;

/** Takes the number of bytes since the last call. */
export function byteProgress(progress: Progress, message: string): (bytes: number) => void {
  let done = 0;
  let reported = 0;
  return (bytes) => {
    done += bytes;
    if (done - reported < stepBytes) return;
    reported = done;
    progress({ phase: "seed", message, unit: "bytes", done });
  };
}
