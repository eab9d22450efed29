// Owns how amounts of bytes and of time look in findings. Never measures.

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

/** Such as `131 MiB` or `75.3 GiB`. */
export function describeBytes(bytes: number): string {
  return bytes < gibibyte ? `${Math.round(bytes / mebibyte)} MiB` : `${(bytes / gibibyte).toFixed(1)} GiB`;
}

/** Such as `0.03 ms`, `20 ms` or `1.4 s`. */
export function describeMs(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds.toFixed(2)} ms`;
}

/** Such as `11-20 10:18 UTC`, from RFC 3339 in UTC. */
export function describeTime(rfc3339: string): string {
  const [, month = "", day = "", clock = ""] = /\d{4}-(\d\d)-(\d\d)T(\d\d:\d\d)/u.exec(rfc3339) ?? [];
  return `${month}-${day} ${clock} UTC`;
}
