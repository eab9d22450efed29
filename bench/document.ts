export function documentOf(_result: unknown): string { return ""; }
