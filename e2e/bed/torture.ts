/** Whether tests are to take the time for the long version of what they do (`make torture`). */
export const isTorture = process.env["SPOKEWAY_TORTURE"] === "1";
