import type { Finding } from './finding.ts'

/** What was found in files checked earlier, the least recently used dropped first. A file weighs one, a finding one more. */
export class FindingsCache {
  readonly #capacity: number
  readonly #found = new Map<string, Finding[]>()
  #weight = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string): Finding[] | undefined {
    const findings = this.#found.get(key)
    if (findings === undefined) return undefined
    this.#found.delete(key)
    this.#found.set(key, findings)
    return findings
  }

  set(key: string, findings: Finding[]): void {
    this.#drop(key)
    this.#found.set(key, findings)
    this.#weight += 1 + findings.length
    for (const oldest of this.#found.keys()) {
      if (this.#weight <= this.#capacity) break
      this.#drop(oldest)
    }
  }

  #drop(key: string) {
    const findings = this.#found.get(key)
    if (findings === undefined) return
    this.#found.delete(key)
    this.#weight -= 1 + findings.length
  }
}
