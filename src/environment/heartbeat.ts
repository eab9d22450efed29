// Owns that work which prints nothing still says every second that it goes on. Never invents progress.
import type { Progress, ProgressEvent } from "../base/progress.js";

export interface Heartbeat extends Disposable {
  readonly progress: Progress;
}

/** Passes events on, and repeats the last one with its age whenever a second went by without one. */
export function startHeartbeat(progress: Progress, first: ProgressEvent): Heartbeat {
  let last = first;
  let since = performance.now();
  progress(first);
  let timer = setTimeout(beat, 1000);
  function beat(): void {
    const seconds = Math.round((performance.now() - since) / 1000);
    progress({ ...last, message: `${last.message} (${seconds} s)` });
    timer = setTimeout(beat, 1000);
  }
  return {
    progress(event) {
      last = event;
      since = performance.now();
      timer.refresh();
      progress(event);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
