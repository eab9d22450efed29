// Owns the list of all operations. Never adds to what they say.
import { daemonStatusOperation, daemonStopOperation } from "./daemon.js";
import { doctorOperation } from "./doctor.js";
import { envInspectOperation, envListOperation, envPruneOperation, envPullOperation } from "./env.js";
import { runOperation } from "./run.js";

/** In the order in which help and reference show them. */
export const operations = [
  doctorOperation,
  runOperation,
  envListOperation,
  envPullOperation,
  envInspectOperation,
  envPruneOperation,
  daemonStatusOperation,
  daemonStopOperation,
] as const;

export type AnyOperation = (typeof operations)[number];
export type OperationName = AnyOperation["name"];
