// Loaded before a process's own code: to it, the clock of its host is off by CLOCK_SKEW_SECONDS. Only what it calls a
// date is: timers and durations go on as they do on such a host.
const skewMs = Number(process.env.CLOCK_SKEW_SECONDS) * 1_000
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + skewMs)
    else super(...parts)
  }
  static now() {
    return RealDate.now() + skewMs
  }
}
