export const LEVELS = ['off', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]

/**
 * Levels that differ from the policy's `security`. Errors are what runs text as code or starts a program; off are rules that
 * calculations break all day for good reasons (an `assert`, a Monte Carlo draw, a file in /tmp).
 */
const DEFAULT_RULES: Readonly<Record<string, Level>> = {
  S102: 'error', // exec
  S307: 'error', // eval
  S302: 'error', // marshal
  S602: 'error', // a subprocess with a shell
  S603: 'error', // a subprocess
  S604: 'error', // a call with shell=True
  S605: 'error', // os.system, os.popen
  S606: 'error', // os.exec*, os.spawn*
  S607: 'error', // a program by its bare name
  S609: 'error', // a wildcard handed to a shell
  S101: 'off', // assert
  S108: 'off', // a path in /tmp
  S110: 'off', // try, except, pass
  S112: 'off', // try, except, continue
  S311: 'off', // random is not for cryptography
}

/** The level of one of Ruff's rules under a policy. */
export const levelOf = (rule: string, policy: { rules: Record<string, Level>; security: Level }): Level =>
  policy.rules[rule] ?? DEFAULT_RULES[rule] ?? policy.security
