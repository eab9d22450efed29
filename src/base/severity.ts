// Owns how grave a finding is. Never decides it.

export const severities = ["ok", "info", "warning", "error"] as const;
export type Severity = (typeof severities)[number];
