/**
 * Loaded before a program (`node --import`): SIGUSR2 sets its clock a day ahead, and a second one
 * two days back, as `Date` sees it. Timers go on as they do when a real clock is set.
 */
const dayMs = 86_400_000;
const jumpsMs = [dayMs, -2 * dayMs];
const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...given: readonly unknown[]) {
    if (given.length === 0) super(RealDate.now() + offsetMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + offsetMs;
  }
} as DateConstructor;

process.on("SIGUSR2", () => {
  offsetMs += jumpsMs.shift() ?? 0;
});
