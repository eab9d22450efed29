// What pyro promises to its users, one sentence each. Every e2e test cites the promises it keeps as [promise-id]; test/contract/promises.test.ts checks both ways.

/** Promise id → the promise. */
export const requirements: Readonly<Record<string, string>> = {};
